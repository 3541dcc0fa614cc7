//! BODYSTRUCTURE (RFC 9051, 7.5.2) as parts of a message.

use vigie_milter::mime::structure::Branch;
use vigie_milter::mime::{NESTING_MAX, PARTS_MAX};

use crate::answer::Scanner;

/// Parameters of one part.
const PARAMETERS_MAX: usize = 64;

/// Reads a structure; `None` where it is none, or beyond a bound.
pub(crate) fn read(scanner: &mut Scanner<'_>) -> Option<Branch> {
    part(scanner, &mut Bounds { depth: 0, parts: 0 })
}

struct Bounds {
    depth: usize,
    parts: u32,
}

fn part(scanner: &mut Scanner<'_>, bounds: &mut Bounds) -> Option<Branch> {
    bounds.parts += 1;
    if bounds.depth > NESTING_MAX || bounds.parts > PARTS_MAX {
        return None;
    }
    bounds.depth += 1;
    scanner.spaces();
    scanner.byte(b'(')?;
    scanner.spaces();
    let branch = if scanner.peek() == Some(b'(') { several(scanner, bounds) } else { one(scanner, bounds) }?;
    bounds.depth -= 1;
    Some(branch)
}

/// `(PART…) "MIXED" [("BOUNDARY" "x") DISPOSITION …]`
fn several(scanner: &mut Scanner<'_>, bounds: &mut Bounds) -> Option<Branch> {
    let mut branch = Branch { encoding: b"7bit".to_vec(), ..Branch::default() };
    while scanner.peek() == Some(b'(') {
        branch.parts.push(part(scanner, bounds)?);
        scanner.spaces();
    }
    branch.content_type = [b"multipart/", &*scanner.text()?].concat();
    scanner.spaces();
    if scanner.peek()? != b')' {
        parameters(scanner, &mut branch.content_type)?;
        disposition(scanner, &mut branch)?;
    }
    scanner.skip_list()?;
    Some(branch)
}

/// `"TEXT" "PLAIN" ("CHARSET" "utf-8") ID DESCRIPTION ENCODING BYTES [LINES] [MD5 DISPOSITION …]`
fn one(scanner: &mut Scanner<'_>, bounds: &mut Bounds) -> Option<Branch> {
    let kind = scanner.text()?.to_ascii_lowercase();
    scanner.spaces();
    let subtype = scanner.text()?.to_ascii_lowercase();
    let mut branch = Branch { content_type: [&*kind, b"/", &*subtype].concat(), ..Branch::default() };
    parameters(scanner, &mut branch.content_type)?;
    scanner.spaces();
    branch.has_content_id = !scanner.text()?.is_empty();
    scanner.skip()?;
    scanner.spaces();
    branch.encoding = scanner.text()?.into_owned();
    scanner.spaces();
    branch.bytes = scanner.number()?;
    match (&*kind, &*subtype) {
        // An envelope, the message's own structure, and its lines. A server may leave these out of what it does not take apart.
        (b"message", b"rfc822" | b"global") if next_is_list(scanner) => {
            scanner.skip()?;
            branch.parts.push(part(scanner, bounds)?);
            scanner.spaces();
            scanner.number()?;
        }
        (b"text", _) => {
            scanner.spaces();
            scanner.number()?;
        }
        _ => {}
    }
    scanner.spaces();
    if scanner.peek()? != b')' {
        // MD5
        scanner.skip()?;
        disposition(scanner, &mut branch)?;
    }
    scanner.skip_list()?;
    Some(branch)
}

fn next_is_list(scanner: &mut Scanner<'_>) -> bool {
    scanner.spaces();
    scanner.peek() == Some(b'(')
}

/// `("NAME" "a.pdf" …)` or NIL, as a header has it: `; name="a.pdf"`.
fn parameters(scanner: &mut Scanner<'_>, value: &mut Vec<u8>) -> Option<()> {
    if !next_is_list(scanner) {
        return scanner.skip();
    }
    scanner.byte(b'(')?;
    for _ in 0..PARAMETERS_MAX {
        scanner.spaces();
        if scanner.byte(b')').is_some() {
            return Some(());
        }
        let name = scanner.text()?;
        scanner.spaces();
        let text = scanner.text()?;
        value.extend_from_slice(b"; ");
        value.extend_from_slice(&name);
        value.extend_from_slice(b"=\"");
        for &byte in &*text {
            if matches!(byte, b'"' | b'\\') {
                value.push(b'\\');
            }
            value.push(byte);
        }
        value.push(b'"');
    }
    scanner.skip_list()
}

/// `("ATTACHMENT" ("FILENAME" "a.pdf"))` or NIL; it may be left out.
fn disposition(scanner: &mut Scanner<'_>, branch: &mut Branch) -> Option<()> {
    scanner.spaces();
    if scanner.peek()? == b')' {
        return Some(());
    }
    if !next_is_list(scanner) {
        return scanner.skip();
    }
    scanner.byte(b'(')?;
    scanner.spaces();
    branch.disposition = scanner.text()?.into_owned();
    parameters(scanner, &mut branch.disposition)?;
    scanner.skip_list()
}

#[cfg(test)]
mod tests {
    use vigie_milter::mime::structure::told;

    use super::*;
    use crate::wire::Response;

    fn read_text(text: &str) -> Option<Branch> {
        let response = Response { text: text.as_bytes().to_vec(), ..Response::default() };
        let mut scanner = Scanner::new(&response);
        let branch = read(&mut scanner)?;
        scanner.rest().is_empty().then_some(branch)
    }

    /// As Dovecot 2.3 writes it of a message with a text in two forms, a file and a forwarded message.
    const DOVECOT: &str = r#"((("text" "plain" ("charset" "utf-8") NIL NIL "8bit" 24 1 NIL NIL NIL NIL)("text" "html" ("charset" "utf-8") NIL NIL "quoted-printable" 60 2 NIL NIL NIL NIL) "alternative" ("boundary" "b2") NIL NIL NIL)("application" "pdf" ("name" "a \"b\".pdf") NIL NIL "base64" 78 NIL ("attachment" ("filename*" "utf-8''%C3%9Cb.pdf")) NIL NIL)("message" "rfc822" NIL NIL NIL "7bit" 300 ("Sat, 21 Nov 2026 10:00:00 +0000" "Inner" ((NIL NIL "x" "example.org")) NIL NIL NIL NIL NIL NIL "<i@example.org>") ("text" "plain" NIL NIL NIL "7bit" 9 1 NIL NIL NIL NIL) 12 NIL ("inline" NIL) NIL NIL) "mixed" ("boundary" "b1") NIL ("en" "fr") NIL)"#;

    #[test]
    fn a_structure_tells_the_parts_with_their_names_and_sizes() {
        let root = read_text(DOVECOT).expect("a structure");
        assert_eq!(root.content_type, b"multipart/mixed; boundary=\"b1\"");
        assert_eq!((root.parts.len(), root.parts[0].parts.len(), root.parts[2].parts.len()), (3, 2, 1));
        assert_eq!(root.parts[1].content_type, br#"application/pdf; name="a \"b\".pdf""#);
        assert_eq!(root.parts[1].disposition, br#"attachment; filename*="utf-8''%C3%9Cb.pdf""#);
        let found = told(std::iter::empty(), Some(&root)).content;
        let names: Vec<(&str, u64)> = found.attachments.iter().map(|of| (&*of.name, of.size)).collect();
        assert_eq!((names, found.cut), (vec![("Üb.pdf", 56), ("", 300)], false));
    }

    #[test]
    fn what_may_be_left_out_is() {
        let text = read_text(r#"("TEXT" "PLAIN" NIL NIL NIL "7BIT" 9 1)"#).expect("a structure");
        assert_eq!((&*text.content_type, text.bytes), (&b"text/plain"[..], 9));
        assert!(
            read_text(r#"("IMAGE" "PNG" ("NAME" "x") "<id@x>" "words" "BASE64" 9 NIL ("INLINE" NIL))"#)
                .is_some_and(|of| of.has_content_id)
        );
        assert!(
            read_text(r#"(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 9 1)("TEXT" "HTML" NIL NIL NIL "7BIT" 9 1) "MIXED")"#)
                .is_some()
        );
        assert!(read_text(r#"("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 9)"#).is_some());
    }

    #[test]
    fn what_is_no_structure_or_too_deep_is_none() {
        for text in ["", "NIL", "(", "()", "((", r#"("TEXT")"#, r#"("TEXT" "PLAIN" NIL NIL NIL "7BIT" x 1)"#] {
            assert_eq!(read_text(text), None, "{text}");
        }
        for depth in [NESTING_MAX + 1, 20_000] {
            assert_eq!(read_text(&"(".repeat(depth)), None, "{depth}");
        }
        let wide = format!("({}\"MIXED\")", "(\"A\" \"B\" NIL NIL NIL \"7BIT\" 1)".repeat(PARTS_MAX as usize + 1));
        assert_eq!(read_text(&wide), None);
    }
}
