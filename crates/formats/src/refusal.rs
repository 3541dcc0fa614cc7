//! Refusals before the queue: nothing was accepted, so there is no message.

use vigie_model::QueueId;

use crate::scan;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Refused<'a> {
    /// Present when the server had begun a queue file: an earlier recipient was accepted, or the content was refused.
    pub queue_id: Option<QueueId>,
    pub action: RefusedAction,
    /// SMTP stage: `CONNECT`, `RCPT`, `END-OF-MESSAGE`, …
    pub stage: &'a [u8],
    pub transaction: Transaction<'a>,
    /// SMTP reply code; 0 where the log has none.
    pub code: u16,
    pub dsn: &'a [u8],
    pub text: &'a [u8],
    /// Of a server that writes its refusals to two logs, which may be one: two with the same mark within a second are one refusal.
    /// 0 for all others.
    pub copy_mark: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RefusedAction {
    #[default]
    Reject,
    /// Accepted, and silently dropped.
    Discard,
    /// Put on hold (`hold`, `milter-hold`, `quarantine`).
    Hold,
    /// Only said: `reject_warning`, `filter`, `redirect`, `proxy-accept`, …
    Note,
}

/// Who spoke to the server, and what they wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transaction<'a> {
    pub client_name: &'a [u8],
    pub client_ip: &'a [u8],
    pub sender: &'a [u8],
    pub recipient: &'a [u8],
    pub helo: &'a [u8],
    pub user: &'a [u8],
}

/// `550 5.1.1 text`, `5.7.1 text` (milters, header checks) or only text.
pub fn reply(text: &[u8]) -> (u16, &[u8], &[u8]) {
    let mut rest = text;
    let mut code = 0;
    if let [a @ b'2'..=b'5', b, c, b' ', tail @ ..] = rest
        && b.is_ascii_digit()
        && c.is_ascii_digit()
    {
        code = scan::number(&[*a, *b, *c]) as u16;
        rest = tail;
    }
    let space = memchr::memchr(b' ', rest).unwrap_or(rest.len());
    let word = &rest[..space];
    let is_dsn = word.len() >= 5
        && matches!(word[0], b'2' | b'4' | b'5')
        && word[1] == b'.'
        && word.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    if is_dsn { (code, word, rest.get(space + 1..).unwrap_or_default()) } else { (code, b"", rest) }
}

/// The words of a refusal that are fit for counting: no addresses, no hosts, and a block list by its name.
pub fn reason(text: &[u8]) -> Vec<u8> {
    let mut text = text;
    if let Some((_, after)) = scan::angled(text, &[b": "]) {
        text = after.strip_prefix(b": ").unwrap_or(after);
    }
    if let Some((_, list)) = scan::split(text, b"blocked using ") {
        let end = list.iter().position(|&b| matches!(b, b';' | b' ' | b',')).unwrap_or(list.len());
        return [b"blocked using ", &list[..end]].concat();
    }
    let end = memchr::memchr(b';', text).unwrap_or(text.len());
    empty_brackets(&text[..end])
}

fn empty_brackets(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut closing = None;
    for &byte in text {
        match closing {
            Some(close) if byte == close => closing = None,
            Some(_) => continue,
            None if byte == b'<' => closing = Some(b'>'),
            None if byte == b'[' => closing = Some(b']'),
            None => {}
        }
        out.push(byte);
    }
    without_addresses(&out)
}

/// An address that stands bare in the text (`not owned by user a@b`) would make a reason of its own for each user.
fn without_addresses(text: &[u8]) -> Vec<u8> {
    let words = text.split(|&byte| byte == b' ').map(|word| if word.contains(&b'@') { &b"<>"[..] } else { word });
    words.collect::<Vec<_>>().join(&b' ')
}
