//! What a response says: words, numbers, texts and lists (RFC 9051, 9), read one after the other, never further than they go.

use std::borrow::Cow;

use crate::wire::Response;

/// Lists in each other that are passed over.
const DEPTH_MAX: usize = 200;

/// Reads a response from its beginning on. Each method gives `None` where something else stands there.
#[derive(Clone)]
pub(crate) struct Scanner<'a> {
    rest: &'a [u8],
    literals: std::slice::Iter<'a, crate::wire::Literal>,
    /// A literal that was read was longer than is kept.
    pub(crate) is_cut: bool,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(response: &'a Response) -> Self {
        Scanner { rest: &response.text, literals: response.literals.iter(), is_cut: false }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// This byte, if it is next.
    pub(crate) fn byte(&mut self, wanted: u8) -> Option<()> {
        self.rest = self.rest.strip_prefix(&[wanted])?;
        Some(())
    }

    pub(crate) fn spaces(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    /// Up to a space, a parenthesis or a quotation mark. `[` and what stands in it belongs to it: `BODY[HEADER.FIELDS (SUBJECT)]`.
    pub(crate) fn word(&mut self) -> Option<&'a [u8]> {
        let mut is_inside = false;
        let ends = |&byte: &u8| {
            is_inside = byte == b'[' || is_inside && byte != b']';
            !is_inside && matches!(byte, b' ' | b'(' | b')' | b'"' | b'{')
        };
        let end = self.rest.iter().position(ends).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    /// The next word, if it is this one, in whatever case.
    pub(crate) fn is_word(&mut self, wanted: &str) -> Option<()> {
        let before = self.rest;
        let is_it = self.word().is_some_and(|word| word.eq_ignore_ascii_case(wanted.as_bytes()));
        if !is_it {
            self.rest = before;
        }
        is_it.then_some(())
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        std::str::from_utf8(self.word()?).ok()?.parse().ok()
    }

    /// A quoted text, a literal or `NIL`, which is empty.
    pub(crate) fn text(&mut self) -> Option<Cow<'a, [u8]>> {
        match self.peek()? {
            b'"' => self.quoted(),
            b'{' => {
                let end = self.rest.iter().position(|&byte| byte == b'}')?;
                self.rest = &self.rest[end + 1..];
                let literal = self.literals.next()?;
                self.is_cut |= literal.is_cut;
                Some(Cow::Borrowed(&literal.bytes))
            }
            _ => self.is_word("NIL").map(|()| Cow::Borrowed(&b""[..])),
        }
    }

    fn quoted(&mut self) -> Option<Cow<'a, [u8]>> {
        self.byte(b'"')?;
        let end = self.rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        if self.rest[end] == b'"' {
            let text = &self.rest[..end];
            self.rest = &self.rest[end + 1..];
            return Some(Cow::Borrowed(text));
        }
        let mut text = Vec::new();
        loop {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            match byte {
                b'"' => return Some(Cow::Owned(text)),
                b'\\' => {
                    let (&escaped, rest) = self.rest.split_first()?;
                    self.rest = rest;
                    text.push(escaped);
                }
                _ => text.push(byte),
            }
        }
    }

    /// Passes over one value, whatever it is.
    pub(crate) fn skip(&mut self) -> Option<()> {
        let mut depth = 0;
        loop {
            self.spaces();
            match self.peek()? {
                b'(' if depth < DEPTH_MAX => {
                    depth += 1;
                    self.byte(b'(')?;
                }
                b'(' => return None,
                b')' => {
                    depth = usize::checked_sub(depth, 1)?;
                    self.byte(b')')?;
                }
                b'"' | b'{' => drop(self.text()?),
                _ => drop(self.word()?),
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// Passes over what is left of a list, and its end.
    pub(crate) fn skip_list(&mut self) -> Option<()> {
        loop {
            self.spaces();
            if self.byte(b')').is_some() {
                return Some(());
            }
            self.skip()?;
        }
    }
}

/// A text of a server in a message: cut, on one line, without control characters.
pub(crate) fn plain(text: &[u8]) -> String {
    const SAID_BYTES_MAX: usize = 300;
    let text = String::from_utf8_lossy(text.get(..SAID_BYTES_MAX).unwrap_or(text));
    let text = text.trim().replace(char::is_control, " ");
    if text.is_empty() { "without a reason".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Literal;

    fn response(text: &str, literals: &[&str]) -> Response {
        let literals = literals.iter().map(|of| Literal { bytes: of.as_bytes().to_vec(), is_cut: false }).collect();
        Response { text: text.as_bytes().to_vec(), literals, is_cut: false }
    }

    #[test]
    fn words_texts_and_lists_are_read_one_after_the_other() {
        let response =
            response(r#"BODY[2.HEADER.FIELDS ("X" Y)] "a \"b\" \\" {3} NIL 42 (x (y "z)") {1}) end"#, &["c)d", "q"]);
        let mut scanner = Scanner::new(&response);
        assert_eq!(scanner.word(), Some(&br#"BODY[2.HEADER.FIELDS ("X" Y)]"#[..]));
        let mut texts = Vec::new();
        for _ in 0..3 {
            scanner.spaces();
            texts.push(scanner.text().map(Cow::into_owned));
        }
        assert_eq!(texts, [Some(br#"a "b" \"#.to_vec()), Some(b"c)d".to_vec()), Some(Vec::new())]);
        scanner.spaces();
        assert_eq!(scanner.number(), Some(42));
        assert_eq!(scanner.skip(), Some(()));
        scanner.spaces();
        assert_eq!((scanner.is_word("END"), scanner.peek()), (Some(()), None));
    }

    #[test]
    fn what_is_not_there_is_not_read() {
        for text in ["", ")", "(", "(x", "\"x", "\"x\\", "{3}", &"(".repeat(DEPTH_MAX + 1)] {
            assert_eq!(Scanner::new(&response(text, &[])).skip(), None, "{text}");
        }
    }
}
