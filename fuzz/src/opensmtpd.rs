//! OpenSMTPD's three grammars on any payload.

use vigie_formats::opensmtpd as grammar;

use crate::sendmail::{hold, payload};

/// Any payload, after the header of a line where it has one.
pub fn opensmtpd(bytes: &[u8]) {
    let text = payload(bytes);
    hold(text, &grammar::parse(text));
}
