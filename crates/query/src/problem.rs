//! What is wrong with a text, where, and what to write instead.

use std::fmt;
use std::ops::Range;

/// Characters shown on each side of the place when the text is long.
const AROUND_CHARS: usize = 40;

/// One thing wrong with a filter text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The place: bytes of the text, on character boundaries.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    pub(crate) fn new(span: Range<usize>, message: impl Into<String>) -> Problem {
        Problem { span, message: message.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

/// The problem as text for a terminal or a `<pre>`: message, the text with a line of carets under the place, hint.
///
/// A long text is cut around the place. Control characters show as spaces, so that the carets stay under their place.
pub fn render(problem: &Problem, text: &str) -> String {
    let shown: Vec<char> = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let chars_before = |byte: usize| text.char_indices().take_while(|&(at, _)| at < byte).count();
    let start = chars_before(problem.span.start);
    let end = chars_before(problem.span.end).max(start + 1);

    let cut_start = start.saturating_sub(AROUND_CHARS);
    let cut_end = (start + AROUND_CHARS).max(cut_start).min(shown.len());
    let ellipsis = |cut: bool| if cut { "…" } else { "" };
    let line: String = shown[cut_start..cut_end].iter().collect();
    let line = format!("{}{line}{}", ellipsis(cut_start > 0), ellipsis(cut_end < shown.len()));
    let indent = start - cut_start + usize::from(cut_start > 0);
    let carets = end.min(cut_end.max(start + 1)) - start;

    let mut out = format!("{}\n  {line}\n  {}{}\n", problem.message, " ".repeat(indent), "^".repeat(carets));
    if let Some(hint) = &problem.hint {
        out.push_str(&format!("hint: {hint}\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carets_stand_under_the_characters_not_the_bytes() {
        let problem = Problem::new(6..9, "too wide").hint("be brief");
        assert_eq!(render(&problem, "é\té abc d"), "too wide\n  é é abc d\n      ^^^\nhint: be brief\n");
    }

    #[test]
    fn a_place_at_the_end_of_the_text_gets_one_caret() {
        assert_eq!(render(&Problem::new(5..5, "missing"), "from:"), "missing\n  from:\n       ^\n");
        assert_eq!(render(&Problem::new(0..0, "empty"), ""), "empty\n  \n  ^\n");
    }

    #[test]
    fn a_long_text_is_cut_around_the_place() {
        let text = format!("{}WRONG{}", "a".repeat(100), "b".repeat(100));
        let shown = render(&Problem::new(100..105, "no"), &text);
        let expected = format!("no\n  …{}WRONG{}…\n  {}^^^^^\n", "a".repeat(40), "b".repeat(35), " ".repeat(41));
        assert_eq!(shown, expected);
    }
}
