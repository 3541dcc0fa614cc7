//! What a FETCH response says of one message (RFC 9051, 7.5.2).

use std::borrow::Cow;

use vigie_milter::mime::structure::Branch;
use vigie_model::Micros;

use crate::answer::Scanner;
use crate::{date, structure};

/// What a FETCH response says.
#[derive(Debug, Default)]
pub(crate) struct Fetched<'a> {
    pub(crate) uid: Option<u32>,
    pub(crate) arrived: Option<Micros>,
    pub(crate) structure: Option<Branch>,
    pub(crate) header: Option<Cow<'a, [u8]>>,
    pub(crate) is_cut: bool,
}

/// Reads as much of a FETCH response as can be read.
pub(crate) fn fetched<'a>(scanner: &mut Scanner<'a>, is_cut: bool) -> Fetched<'a> {
    let mut found = Fetched::default();
    let whole = items(scanner, &mut found);
    found.is_cut = is_cut || scanner.is_cut || whole.is_none();
    found
}

fn items<'a>(scanner: &mut Scanner<'a>, found: &mut Fetched<'a>) -> Option<()> {
    scanner.byte(b'(')?;
    loop {
        scanner.spaces();
        if scanner.byte(b')').is_some() {
            return Some(());
        }
        let item = scanner.word()?.to_ascii_uppercase();
        scanner.spaces();
        match item.as_slice() {
            b"UID" => found.uid = u32::try_from(scanner.number()?).ok(),
            b"INTERNALDATE" => found.arrived = date::read(&String::from_utf8_lossy(&scanner.text()?)),
            b"BODYSTRUCTURE" => {
                // One that cannot be read must not take the rest of the response with it.
                let mut ahead = scanner.clone();
                found.structure = structure::read(&mut ahead);
                scanner.skip()?;
            }
            body if body.starts_with(b"BODY[") => found.header = Some(scanner.text()?),
            _ => scanner.skip()?,
        }
    }
}
