//! Numbers and texts as bytes: small numbers in one byte (LEB128), texts with their length.

/// From here on a byte has another one behind it.
pub(super) const LONG: u8 = 0x80;

/// Appends a number.
pub(super) fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= LONG.into() {
        bytes.push(number as u8 | LONG);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Appends a text, or other bytes.
pub(super) fn put_bytes(bytes: &mut Vec<u8>, text: &[u8]) {
    put(bytes, text.len() as u64);
    bytes.extend_from_slice(text);
}

/// Takes a number away from the front; none at the end of the bytes, or of a number that is too long.
pub(super) fn take(bytes: &mut &[u8]) -> Option<u64> {
    let (&first, rest) = bytes.split_first()?;
    if first < LONG {
        *bytes = rest;
        return Some(first.into());
    }
    let (mut number, mut shift) = (0u64, 0);
    loop {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte < LONG {
            return Some(number);
        }
        shift += 7;
    }
}

/// Takes a text, or other bytes, away from the front.
pub(super) fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(take(bytes)?).ok()?;
    let (text, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_and_bytes_are_inverse(numbers in prop::collection::vec(any::<u64>(), 0..20), text in ".{0,20}", junk in prop::collection::vec(any::<u8>(), 0..30)) {
            let mut bytes = Vec::new();
            numbers.iter().for_each(|&number| put(&mut bytes, number));
            put_bytes(&mut bytes, text.as_bytes());
            let mut rest = &bytes[..];
            for number in numbers {
                prop_assert_eq!(take(&mut rest), Some(number));
            }
            prop_assert_eq!(take_bytes(&mut rest), Some(text.as_bytes()));
            prop_assert!(rest.is_empty());
            let mut junk = &junk[..];
            while take_bytes(&mut junk).is_some() {}
        }
    }
}
