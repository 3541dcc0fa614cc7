//! Of several who looked into one message, which says what is inside.

use std::cmp::Reverse;

use vigie_model::Content;

/// Which of two contents counts: the one that says more, and then any order.
pub fn order(content: &Content) -> impl Ord + use<'_> {
    let Content { header_from, media_type, list, automatic, signed, encrypted, dkim, attachments, cut } = content;
    let flags = (*cut, !*list, !*automatic, !*dkim);
    (Reverse(attachments.len()), flags, header_from, media_type, signed, encrypted, attachments)
}
