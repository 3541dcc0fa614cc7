//! What filters said of a message, side by side: `amavis CLEAN -1.9; dkim pass example.net; rspamd add header 7.5/15`.
//!
//! The text is what facts hold and pages show. Its grammar: verdicts stand in the order of their bytes, with `; ` between; each is a
//! program, a space, and its words, which have neither a semicolon nor a control character in them.

use crate::Text;

/// Verdicts kept of one message: more than any server has filters.
const VERDICTS_MAX: usize = 16;
/// Bytes kept of one verdict.
const VERDICT_BYTES_MAX: usize = 160;
const BETWEEN: &str = "; ";

/// The verdicts of one message, each once and in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdicts(Vec<Text>);

impl Verdicts {
    /// Reads the text again; parts of no program and no word are left out.
    pub fn read(text: &str) -> Self {
        let mut verdicts = Self::default();
        text.split(BETWEEN).for_each(|verdict| verdicts.add(verdict));
        verdicts
    }

    /// Takes one more, unless another says that and more. Of too many the first in order stay, whichever came first.
    pub fn add(&mut self, verdict: &str) {
        let verdict = fitting(verdict);
        let Err(place) = self.0.binary_search(&verdict) else { return };
        let is_told = self.0.get(place).is_some_and(|next| says_more(next, &verdict));
        if verdict.is_empty() || is_told {
            return;
        }
        match place.checked_sub(1).filter(|&before| says_more(&verdict, &self.0[before])) {
            Some(before) => self.0[before] = verdict,
            None => self.0.insert(place, verdict),
        }
        self.0.truncate(VERDICTS_MAX);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Program and words of each.
    pub fn each(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|verdict| verdict.split_once(' ').unwrap_or((verdict, "")))
    }

    /// Each as it stands in the text.
    pub fn each_text(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|verdict| &**verdict)
    }

    pub fn text(&self) -> Text {
        match &*self.0 {
            [only] => only.clone(),
            all => all.join(BETWEEN).into(),
        }
    }
}

/// `dkim pass example.net` says more than `dkim pass`. Nothing else sorts between two such.
fn says_more(one: &str, other: &str) -> bool {
    one.strip_prefix(other).is_some_and(|more| more.starts_with(' '))
}

/// Without what would end it early, and cut where it is too long.
fn fitting(verdict: &str) -> Text {
    let plain = |c: char| if c == ';' || c.is_control() { ' ' } else { c };
    let mut text: String = verdict.trim().chars().take(VERDICT_BYTES_MAX).map(plain).collect();
    while text.len() > VERDICT_BYTES_MAX {
        text.pop();
    }
    text.trim().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_of_several_programs_stand_in_one_order() {
        let said = ["rspamd add header 7.5/15", "amavis CLEAN -1.9", "dkim pass example.net", "amavis CLEAN -1.9"];
        let (mut one, mut other) = (Verdicts::default(), Verdicts::default());
        said.iter().for_each(|verdict| one.add(verdict));
        said.iter().rev().for_each(|verdict| other.add(verdict));
        assert_eq!(one, other);
        assert_eq!(one.text(), "amavis CLEAN -1.9; dkim pass example.net; rspamd add header 7.5/15");
        assert_eq!(one.each().nth(2), Some(("rspamd", "add header 7.5/15")));
    }

    #[test]
    fn what_another_says_in_more_words_stands_once() {
        let said = ["dkim pass", "dkim pass example.net", "dkim pass", "dkim pass example.org", "dkim passed"];
        for turn in 0..said.len() {
            let mut verdicts = Verdicts::default();
            said.iter().cycle().skip(turn).take(said.len()).for_each(|verdict| verdicts.add(verdict));
            assert_eq!(verdicts.text(), "dkim pass example.net; dkim pass example.org; dkim passed");
        }
    }

    #[test]
    fn the_text_reads_as_what_was_written() {
        let mut verdicts = Verdicts::default();
        ["amavis BANNED (a; rspamd reject 9)", " dkim\tpass\n", ";", "", &"x".repeat(900), &"é".repeat(900)]
            .iter()
            .for_each(|verdict| verdicts.add(verdict));
        assert_eq!(Verdicts::read(&verdicts.text()), verdicts);
        assert_eq!(verdicts.each().count(), 4, "{verdicts:?}");
        assert!(verdicts.each().all(|(program, words)| program.len() + 1 + words.len() <= VERDICT_BYTES_MAX + 1));
        assert_eq!(Verdicts::read(""), Verdicts::default());
    }

    #[test]
    fn of_too_many_the_same_ones_stay_in_any_order() {
        let all: Vec<String> = (10..60).map(|number| format!("filter{number} pass")).collect();
        let (mut one, mut other) = (Verdicts::default(), Verdicts::default());
        all.iter().for_each(|verdict| one.add(verdict));
        all.iter().rev().for_each(|verdict| other.add(verdict));
        assert_eq!((one.each().count(), &one), (VERDICTS_MAX, &other));
    }
}
