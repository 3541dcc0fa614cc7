//! Where a page of found rows ended, as a text that a URL can carry.

use std::fmt;
use std::str::FromStr;

use vigie_model::Micros;

use crate::LakeError;

/// Position after a row: the next page begins behind it. Its text is opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Time of the last row shown.
    pub(crate) ts: Micros,
    /// Rows of that time shown so far: a message may have thousands of recipients, and no key is needed to tell them apart.
    pub(crate) skip: usize,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{:x}", self.ts, self.skip)
    }
}

impl FromStr for Cursor {
    type Err = LakeError;

    fn from_str(text: &str) -> Result<Self, LakeError> {
        let read = || {
            let (ts, skip) = text.split_once('.')?;
            let ts = u64::from_str_radix(ts, 16).ok()? as i64;
            Some(Cursor { ts, skip: usize::try_from(u32::from_str_radix(skip, 16).ok()?).ok()? })
        };
        read().ok_or(LakeError::Cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_and_position_are_inverse(ts in any::<i64>(), skip in 0usize..1_000_000, junk in ".{0,12}") {
            let cursor = Cursor { ts, skip };
            prop_assert_eq!(cursor.to_string().parse::<Cursor>()?, cursor);
            let _ = junk.parse::<Cursor>();
        }
    }
}
