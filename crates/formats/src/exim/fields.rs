//! The fields behind the flag: `K=value` in any order, words without a value, and a text behind a colon.

use crate::scan;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field<'a> {
    /// Of a quoted value what stands in the quotes, with its escapes; of `<…>` what stands in the brackets.
    Pair(&'a [u8], &'a [u8]),
    Host(Host<'a>),
    /// `L`, `K`, `PRDR`, `from`, `for`, …
    Word(&'a [u8]),
    /// What follows a colon: to the end.
    Text(&'a [u8]),
}

/// Fields from left to right.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    pub rest: &'a [u8],
}

/// `name (helo) [ip]:port`, each of which may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Host<'a> {
    pub name: &'a [u8],
    pub helo: &'a [u8],
    pub ip: &'a [u8],
    pub port: u16,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    // A call would cost as much as reading a field does.
    #[inline(always)]
    fn next(&mut self) -> Option<Field<'a>> {
        self.rest = self.rest.trim_ascii_start();
        if let Some(text) = self.rest.strip_prefix(b":") {
            self.rest = b"";
            return Some(Field::Text(text.trim_ascii_start()));
        }
        match key_length(self.rest) {
            Some(length) => Some(self.pair(length)),
            None if self.rest.is_empty() => None,
            None => {
                let word = self.plain();
                Some(Field::Word(word))
            }
        }
    }
}

/// How long the key is, where a `=` follows: `H`, `id`, `id*`, `M8S`, `PROXY`.
#[inline]
fn key_length(text: &[u8]) -> Option<usize> {
    const KEY_BYTES_MAX: usize = 6;
    let end = text.iter().take(KEY_BYTES_MAX + 1).position(|byte| matches!(byte, b'=' | b' '))?;
    (end > 0 && text[end] == b'=').then_some(end)
}

impl<'a> Fields<'a> {
    #[inline]
    fn pair(&mut self, key_length: usize) -> Field<'a> {
        let (key, value) = (&self.rest[..key_length], &self.rest[key_length + 1..]);
        self.rest = value;
        match (key, value.first()) {
            (b"H", _) => {
                let (host, rest) = host(value);
                self.rest = rest;
                Field::Host(host)
            }
            (b"T" | b"C" | b"DN" | b"SNI", Some(b'"')) => {
                let end = closing_quote(value);
                self.rest = value.get(end + 1..).unwrap_or_default();
                Field::Pair(key, &value[1..end])
            }
            (_, Some(b'<')) => match angled(value) {
                Some((inner, rest)) => {
                    self.rest = rest;
                    Field::Pair(key, inner)
                }
                None => Field::Pair(key, self.plain()),
            },
            _ => Field::Pair(key, self.plain()),
        }
    }

    /// To the next space outside quotes; a colon at its end begins the text.
    #[inline]
    fn plain(&mut self) -> &'a [u8] {
        let (word, rest) = word(self.rest);
        match word.strip_suffix(b":") {
            Some(bare) => {
                self.rest = &self.rest[bare.len()..];
                bare
            }
            None => {
                self.rest = rest;
                word
            }
        }
    }
}

/// Where the quote at the start is closed; the length where it never is.
fn closing_quote(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        match text[at + found] {
            b'"' => return at + found,
            _ => at += found + 2,
        }
    }
    text.len()
}

/// A word and what follows it. A space within double quotes, as in `"a b"@example.com`, does not end it.
#[inline]
pub fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = match scan::either(text, b' ', b'"') {
        Some(quote) if text[quote] == b'"' => outside_quotes(text, b' ').or_else(|| scan::byte(text, b' ')),
        space => space,
    };
    text.split_at(end.unwrap_or(text.len()))
}

/// `<address>` at the start: what stands inside, and the rest. A bracket within double quotes closes nothing.
pub fn angled(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = text.strip_prefix(b"<")?;
    let first = scan::byte(inner, b'>')?;
    if scan::byte(&inner[..first], b'"').is_some()
        && let Some(end) = outside_quotes(inner, b'>').filter(|end| *end < inner.len())
    {
        return Some((&inner[..end], &inner[end + 1..]));
    }
    Some((&inner[..first], &inner[first + 1..]))
}

/// A quoted word longer than this is none: nobody has such an address, and looking further for each word would take the square of the time.
const QUOTED_BYTES_MAX: usize = 2_000;

/// Where a byte stands first outside quotes, or the end; `None` where a quote is never closed.
fn outside_quotes(text: &[u8], wanted: u8) -> Option<usize> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, &byte) in text.iter().enumerate().take(QUOTED_BYTES_MAX) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            _ if byte == wanted && !is_quoted => return Some(at),
            _ => {}
        }
    }
    (!is_quoted && text.len() <= QUOTED_BYTES_MAX).then_some(text.len())
}

/// A host, and what follows it.
///
/// The name is what DNS says of the address, HELO what the client said of itself and therefore anything, brackets too: only the
/// address in the last brackets is true (spec.xfpt, "Logging message reception").
pub fn host(text: &[u8]) -> (Host<'_>, &[u8]) {
    let mut host = Host::default();
    let mut rest = text;
    if !matches!(rest.first(), Some(b'(' | b'[')) {
        let (name, after) = word(rest);
        let bare = name.strip_suffix(b":").unwrap_or(name);
        if bare.len() < name.len() {
            return (Host { name: bare, ..host }, &rest[bare.len()..]);
        }
        // `DS`: by DNSSEC.
        let after_space = after.strip_prefix(b" DS").unwrap_or(after).strip_prefix(b" ").unwrap_or_default();
        if !matches!(after_space.first(), Some(b'(' | b'[')) {
            return (Host { name, ..host }, after);
        }
        (host.name, rest) = (name, after_space);
    }
    if let Some(inner) = rest.strip_prefix(b"(") {
        let reach = said_by_client(inner);
        let Some(end) = scan::find_last(&inner[..reach], b") [") else {
            // A client without an address of its own: a local process that speaks SMTP.
            let end = scan::byte(inner, b')').unwrap_or(inner.len());
            host.helo = &inner[..end];
            return (host, inner.get(end + 1..).unwrap_or_default());
        };
        host.helo = &inner[..end];
        rest = &inner[end + 2..];
    }
    let Some(inner) = rest.strip_prefix(b"[") else { return (host, rest) };
    let end = scan::byte(inner, b']').unwrap_or(inner.len());
    host.ip = &inner[..end];
    rest = inner.get(end + 1..).unwrap_or_default();
    if let Some(port) = rest.strip_prefix(b":").filter(|port| port.first().is_some_and(u8::is_ascii_digit)) {
        let end = port.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(port.len());
        host.port = u16::try_from(scan::number(&port[..end])).unwrap_or(0);
        rest = &port[end..];
    }
    // A connection that was used before.
    (host, rest.strip_prefix(b"*").unwrap_or(rest))
}

/// How far what a client said of itself may reach: to the first field that Exim writes behind every client.
fn said_by_client(text: &[u8]) -> usize {
    let fields: [&[u8]; 4] = [b" P=", b" F=<", b" rejected ", b": "];
    fields.iter().filter_map(|field| scan::find(text, field)).min().unwrap_or(text.len())
}
