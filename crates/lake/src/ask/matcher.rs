//! Matching one text against a pattern, quickly where it counts: a part of a subject, over millions of rows.
//!
//! The filter language says what matches ([`Pattern::matches`]); nothing here may disagree with it.

use memchr::{memchr_iter, memchr2_iter, memmem};
use vigie_query::{Kind, Pattern};

/// A pattern made ready.
pub(crate) struct Matcher {
    pattern: Pattern,
    kind: Kind,
    /// For a pattern that looks for a part without regard to capitals: a stretch of ASCII in it, in lower case.
    needle: Option<Needle>,
}

struct Needle {
    text: Vec<u8>,
    /// The byte of it that is looked for first, and where it stands.
    rare: u8,
    rare_at: usize,
    /// It is the whole part.
    is_whole: bool,
}

impl Matcher {
    pub(crate) fn new(pattern: &Pattern, kind: Kind) -> Self {
        let needle = match pattern {
            Pattern::Contains(part) if !kind.is_case_sensitive() => Needle::of(part),
            _ => None,
        };
        Matcher { pattern: pattern.clone(), kind, needle }
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        let Some(needle) = &self.needle else { return self.pattern.matches(text, self.kind) };
        if needle.is_in(text.as_bytes()) {
            return needle.is_whole || self.pattern.matches(text, self.kind);
        }
        folds_into_ascii(text) && self.pattern.matches(text, self.kind)
    }
}

impl Needle {
    /// The longest stretch of ASCII.
    fn of(part: &str) -> Option<Needle> {
        let stretch = part.split(|c: char| !c.is_ascii()).max_by_key(|stretch| stretch.len())?;
        let text = stretch.to_ascii_lowercase().into_bytes();
        let (rare_at, &rare) = text.iter().enumerate().min_by_key(|(_, byte)| commonness(**byte))?;
        Some(Needle { rare, rare_at, is_whole: text.len() == part.len(), text })
    }

    fn is_in(&self, text: &[u8]) -> bool {
        if text.len() < self.text.len() {
            return false;
        }
        let fits = |at: usize| {
            let start = at.checked_sub(self.rare_at);
            let found = start.and_then(|start| text.get(start..start + self.text.len()));
            found.is_some_and(|found| found.eq_ignore_ascii_case(&self.text))
        };
        let upper = self.rare.to_ascii_uppercase();
        if upper == self.rare {
            memchr_iter(self.rare, text).any(fits)
        } else {
            memchr2_iter(self.rare, upper, text).any(fits)
        }
    }
}

/// Letters by how often they stand in European text; other bytes are rarer.
fn commonness(byte: u8) -> usize {
    const BY_FREQUENCY: &[u8] = b"zxqjkwvfygbhpmdculostnrai e";
    BY_FREQUENCY.iter().position(|&common| common == byte).map_or(0, |rank| rank + 1)
}

/// Two letters outside of ASCII have lower cases within: the Kelvin sign, and I with a dot.
fn folds_into_ascii(text: &str) -> bool {
    !text.is_ascii()
        && ["\u{212a}", "\u{130}"].iter().any(|odd| memmem::find(text.as_bytes(), odd.as_bytes()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "[abkiABKIéÉσΣ\u{212a}\u{130} ]{0,12}";

    proptest! {
        #[test]
        fn agrees_with_the_filter_language(text in TEXT, part in "[abkiABKIéÉσ ]{1,3}") {
            for kind in [Kind::Text, Kind::Anything, Kind::Address] {
                let pattern = Pattern::Contains(part.clone());
                prop_assert_eq!(Matcher::new(&pattern, kind).matches(&text), pattern.matches(&text, kind), "{:?} {:?}", kind, pattern);
            }
        }
    }

    #[test]
    fn the_rarest_letter_is_looked_for_first() {
        let needle = Needle::of("Zeppelin").expect("a needle");
        assert_eq!((needle.rare, needle.rare_at, needle.is_whole), (b'z', 0, true));
        assert!(needle.is_in(b"le ZEPPELIN vole") && !needle.is_in(b"zeppeli"));
    }
}
