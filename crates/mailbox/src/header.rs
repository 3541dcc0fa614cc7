//! The fields of a header that came whole.

use memchr::memchr;

/// Fields that are asked for, and no others: what stands in the others is never sent.
pub(crate) const FIELDS: &str = "RECEIVED FROM SUBJECT MESSAGE-ID CONTENT-TYPE LIST-ID LIST-POST LIST-UNSUBSCRIBE MAILING-LIST X-MAILING-LIST \
     PRECEDENCE AUTO-SUBMITTED DKIM-SIGNATURE X-MS-JOURNAL-REPORT";
/// By this field Exchange and Microsoft 365 mark a message that holds another one, which was journaled.
pub(crate) const JOURNAL_REPORT: &[u8] = b"x-ms-journal-report";
/// Fields of one header.
const FIELDS_MAX: usize = 2000;

/// Name and value of each field, in their order. A value keeps its folding.
pub(crate) fn fields(header: &[u8]) -> Vec<(&[u8], &[u8])> {
    let (mut fields, mut at) = (Vec::new(), 0);
    while at < header.len() && fields.len() < FIELDS_MAX {
        let end = end_of_field(header, at);
        let field = &header[at..end];
        at = end;
        if let Some(colon) = memchr(b':', field) {
            fields.push((field[..colon].trim_ascii(), field[colon + 1..].trim_ascii()));
        }
    }
    fields
}

/// Behind the line's end after which no line goes on with this field.
fn end_of_field(header: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(newline) = memchr(b'\n', &header[at..]) {
        at += newline + 1;
        if !matches!(header.get(at), Some(b' ' | b'\t')) {
            return at;
        }
    }
    header.len()
}

/// Values of a field, given in lower case, from the top.
pub(crate) fn values<'a>(fields: &[(&'a [u8], &'a [u8])], name: &[u8]) -> impl Iterator<Item = &'a [u8]> {
    fields.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_fields_are_whole_and_in_order() {
        let header = b"Received: a\r\n\tb;\r\n c\r\nSubject:\r\nno field\r\nRECEIVED : d\r\n\r\n";
        let found = fields(header);
        assert_eq!(found.len(), 3);
        assert_eq!(values(&found, b"received").collect::<Vec<_>>(), [&b"a\r\n\tb;\r\n c"[..], b"d"]);
        assert_eq!(values(&found, b"subject").collect::<Vec<_>>(), [&b""[..]]);
        assert!(fields(b"").is_empty() && fields(b"\r\n\r\n").is_empty());
    }
}
