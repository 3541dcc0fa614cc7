//! Patterns of text values: how a written value becomes one, how it is written back, and what it matches.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::fields::Kind;
use crate::quantity::is_size_unit;

/// Which texts a value chooses.
///
/// Values of addresses and dotted names are in lower case; other text is as written, and [`Kind::is_case_sensitive`] says
/// whether capitals count when comparing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// `*`: any text but none.
    Present,
    /// This text and no other. An empty one also matches a missing text.
    Exact(String),
    /// `text*`
    Prefix(String),
    /// `*text`
    Suffix(String),
    /// Somewhere in it.
    Contains(String),
    /// The pieces between wildcards, in order; the first begins the text and the last ends it. Only these two may be empty.
    Glob(Vec<String>),
    /// `@example.com`: addresses of exactly that domain.
    Domain(String),
    /// `@*.example.com`: addresses of all the domains under it, without itself.
    Subdomains(String),
    /// A dotted name itself, or followed by a dot: `hub1` is `hub1` and `hub1.example.com`; `5.1` is `5.1` and `5.1.2`.
    Labels(String),
}

/// Why a value is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoPattern {
    Empty,
    NoDomain,
}

impl Pattern {
    /// The pattern that this value stands for in a field of this kind. `pieces` stand between wildcards.
    pub(crate) fn read(kind: Kind, pieces: &[String]) -> Result<Pattern, NoPattern> {
        let pieces = tidied(kind, pieces);
        match pieces.as_slice() {
            [text] => Pattern::literal(kind, text),
            [first, .., last] if kind_has_domains(kind) && first.starts_with('@') && at_signs(&pieces) == 1 => {
                match pieces.as_slice() {
                    [at, rest] if at == "@" && rest.len() > 1 && rest.starts_with('.') => {
                        Ok(Pattern::Subdomains(rest[1..].to_string()))
                    }
                    _ => Ok(Pattern::wild(
                        [vec![String::new()], pieces[..pieces.len() - 1].to_vec(), vec![last.clone()]].concat(),
                    )),
                }
            }
            _ => Ok(Pattern::wild(pieces)),
        }
    }

    /// This text and no other, as `=` wants it.
    pub(crate) fn exact(kind: Kind, text: &str) -> Pattern {
        Pattern::Exact(tidied(kind, &[text.to_string()]).concat())
    }

    fn literal(kind: Kind, text: &str) -> Result<Pattern, NoPattern> {
        if text.is_empty() {
            // `from:<>` is the one empty value that does not need `=`; it comes here without its brackets.
            return if kind == Kind::Address { Ok(Pattern::Exact(String::new())) } else { Err(NoPattern::Empty) };
        }
        let text = text.to_string();
        Ok(match kind {
            Kind::Identifier => Pattern::Exact(text),
            Kind::Dotted if text.len() > 1 && text.ends_with('.') => Pattern::Prefix(text),
            Kind::Dotted => Pattern::Labels(text),
            Kind::Address | Kind::Anything if text.contains('@') => return Pattern::with_at_sign(text),
            Kind::Anything if text.parse::<std::net::IpAddr>().is_ok() => Pattern::Exact(text),
            _ => Pattern::Contains(text),
        })
    }

    fn with_at_sign(text: String) -> Result<Pattern, NoPattern> {
        match text.strip_prefix('@') {
            Some("") => Err(NoPattern::NoDomain),
            Some(domain) if !domain.contains('@') => Ok(Pattern::Domain(domain.to_lowercase())),
            _ if text.ends_with('@') => Ok(Pattern::Prefix(text)),
            _ => Ok(Pattern::Exact(text)),
        }
    }

    /// At least two pieces.
    fn wild(pieces: Vec<String>) -> Pattern {
        let last = pieces.len() - 1;
        let kept: Vec<String> = pieces
            .into_iter()
            .enumerate()
            .filter(|(at, piece)| *at == 0 || *at == last || !piece.is_empty())
            .map(|(_, piece)| piece)
            .collect();
        match kept.as_slice() {
            [first, last] if first.is_empty() && last.is_empty() => Pattern::Present,
            [text, last] if last.is_empty() => Pattern::Prefix(text.clone()),
            [first, text] if first.is_empty() => Pattern::Suffix(text.clone()),
            [first, text, last] if first.is_empty() && last.is_empty() => Pattern::Contains(text.clone()),
            _ => Pattern::Glob(kept),
        }
    }

    /// The value that [`Pattern::read`] turns into this pattern; nothing when only `=` can say it.
    pub(crate) fn written(&self, kind: Kind) -> Option<String> {
        let pieces = |pieces: &[&str]| pieces.iter().map(|piece| piece.to_string()).collect::<Vec<_>>();
        let candidates = match self {
            Pattern::Present => vec![pieces(&["", ""])],
            Pattern::Exact(text) if text.is_empty() => vec![pieces(&["<>"])],
            Pattern::Exact(text) | Pattern::Labels(text) => vec![pieces(&[text])],
            Pattern::Prefix(text) => vec![pieces(&[text, ""])],
            Pattern::Suffix(text) => vec![pieces(&["", text])],
            Pattern::Contains(text) => vec![pieces(&[text]), pieces(&["", text, ""])],
            Pattern::Glob(all) => vec![all.clone()],
            Pattern::Domain(domain) => vec![vec![format!("@{domain}")]],
            Pattern::Subdomains(domain) => vec![vec!["@".to_string(), format!(".{domain}")]],
        };
        let found = candidates.into_iter().find(|pieces| Pattern::read(kind, pieces).as_ref() == Ok(self))?;
        Some(quoted_if_needed(&found, kind))
    }

    /// The value of `=`, for an exact pattern.
    pub(crate) fn written_exactly(&self, kind: Kind) -> String {
        match self {
            Pattern::Exact(text) => quoted_if_needed(std::slice::from_ref(text), kind),
            other => other.written(kind).unwrap_or_default(),
        }
    }

    /// Whether the pattern chooses this text, in a field of this kind.
    pub fn matches(&self, text: &str, kind: Kind) -> bool {
        let text = folded(kind, text);
        match self {
            Pattern::Present => !text.is_empty(),
            Pattern::Exact(wanted) => text == folded(kind, wanted),
            Pattern::Prefix(wanted) => text.starts_with(&*folded(kind, wanted)),
            Pattern::Suffix(wanted) => text.ends_with(&*folded(kind, wanted)),
            Pattern::Contains(wanted) => text.contains(&*folded(kind, wanted)),
            Pattern::Glob(pieces) => matches_glob(&text, pieces, kind),
            Pattern::Domain(wanted) => text.rsplit_once('@').is_some_and(|(_, domain)| domain == folded(kind, wanted)),
            Pattern::Subdomains(wanted) => text.rsplit_once('@').is_some_and(|(_, domain)| {
                domain.strip_suffix(&*folded(kind, wanted)).is_some_and(|labels| labels.ends_with('.'))
            }),
            Pattern::Labels(wanted) => {
                text.strip_prefix(&*folded(kind, wanted)).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            }
        }
    }
}

fn matches_glob(text: &str, pieces: &[String], kind: Kind) -> bool {
    let [first, middle @ .., last] = pieces else {
        return false;
    };
    let (first, last) = (folded(kind, first), folded(kind, last));
    let Some(mut rest) = text.strip_prefix(&*first) else {
        return false;
    };
    for piece in middle {
        let piece = folded(kind, piece);
        match rest.find(&*piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(&*last)
}

/// Text in which capitals do not count. Letter by letter, so that a part of a text folds as it does inside the whole
/// (`str::to_lowercase` looks at the neighbours of a Greek sigma).
fn folded(kind: Kind, text: &str) -> Cow<'_, str> {
    let is_lower = |c: char| {
        if c.is_ascii() { !c.is_ascii_uppercase() } else { c.to_lowercase().eq([c]) }
    };
    if kind.is_case_sensitive() || text.chars().all(is_lower) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.chars().flat_map(char::to_lowercase).collect())
    }
}

/// Lower case where values are kept so, and without the angle brackets of `<bob@example.com>`.
fn tidied(kind: Kind, pieces: &[String]) -> Vec<String> {
    let is_lowered = matches!(kind, Kind::Address | Kind::Dotted);
    let mut pieces: Vec<String> =
        pieces.iter().map(|piece| if is_lowered { folded(kind, piece).into_owned() } else { piece.clone() }).collect();
    if matches!(kind, Kind::Address | Kind::Identifier | Kind::Anything) {
        while let Some(bare) = without_brackets(&pieces) {
            pieces = bare;
        }
    }
    pieces
}

fn without_brackets(pieces: &[String]) -> Option<Vec<String>> {
    let mut bare = pieces.to_vec();
    let first = bare.first_mut()?;
    *first = first.strip_prefix('<')?.to_string();
    let last = bare.last_mut()?;
    *last = last.strip_suffix('>')?.to_string();
    Some(bare)
}

fn kind_has_domains(kind: Kind) -> bool {
    matches!(kind, Kind::Address | Kind::Anything)
}

fn at_signs(pieces: &[String]) -> usize {
    pieces.iter().map(|piece| piece.matches('@').count()).sum()
}

/// Pieces joined by `*`, in quotes when the lexer would not give them back otherwise.
fn quoted_if_needed(pieces: &[String], kind: Kind) -> String {
    let plain = pieces.join("*");
    let needs_quotes = plain.is_empty()
        || pieces
            .iter()
            .any(|piece| piece.contains(|c: char| c.is_whitespace() || c.is_control() || "\"(),*".contains(c)))
        || (kind == Kind::Anything && is_ambiguous_word(&plain));
    if !needs_quotes {
        return plain;
    }
    let mut quoted = String::from("\"");
    for (at, piece) in pieces.iter().enumerate() {
        if at > 0 {
            quoted.push('*');
        }
        for c in piece.chars() {
            let escape = if "\"\\*".contains(c) { "\\" } else { "" };
            // Writing to a String cannot fail.
            let _ = write!(quoted, "{escape}{c}");
        }
    }
    quoted.push('"');
    quoted
}

/// A word that the grammar would take for something else: a unit, after a size, for a part of it.
fn is_ambiguous_word(word: &str) -> bool {
    let is_keyword = ["and", "or", "not"].iter().any(|key| key.eq_ignore_ascii_case(word));
    is_keyword || word.starts_with('-') || word.contains([':', '=', '<', '>', '!']) || is_size_unit(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: Kind, text: &str) -> Pattern {
        let pieces: Vec<String> = text.split('*').map(str::to_string).collect();
        Pattern::read(kind, &pieces).expect("a pattern")
    }

    fn chosen<'a>(kind: Kind, pattern: &str, texts: &[&'a str]) -> Vec<&'a str> {
        let pattern = read(kind, pattern);
        texts.iter().copied().filter(|text| pattern.matches(text, kind)).collect()
    }

    #[test]
    fn the_shape_of_an_address_value_decides_what_it_matches() {
        let people =
            ["laurent@example.com", "Marie.Laurent@example.com", "laurent@mail.example.com", "bob@badexample.com", ""];
        let of = |pattern| chosen(Kind::Address, pattern, &people);
        assert_eq!(of("laurent"), people[..3]);
        assert_eq!(of("LAURENT@example.com"), people[..1]);
        assert_eq!(of("<laurent@example.com>"), people[..1]);
        assert_eq!(of("laurent@"), [people[0], people[2]]);
        assert_eq!(of("laurent*"), [people[0], people[2]]);
        assert_eq!(of("@example.com"), people[..2]);
        assert_eq!(of("@*.example.com"), people[2..3]);
        assert_eq!(of("@*example.com"), people[..4]);
        assert_eq!(of("@mail.*"), people[2..3]);
        assert_eq!(of("*@badexample.com"), people[3..4]);
        assert_eq!(of("m*e*@*com"), people[1..2]);
        assert_eq!(of("<>"), [""]);
        assert_eq!(of("*"), people[..4]);
    }

    #[test]
    fn a_dotted_name_is_whole_or_begins_at_a_dot() {
        assert_eq!(
            chosen(Kind::Dotted, "hub1", &["hub1", "HUB1.example.com", "hub10", "x.hub1"]),
            ["hub1", "HUB1.example.com"]
        );
        assert_eq!(chosen(Kind::Dotted, "5.1", &["5.1.1", "5.1", "5.10.1", "4.5.1"]), ["5.1.1", "5.1"]);
        assert_eq!(chosen(Kind::Dotted, "10.1.", &["10.1.0.7", "10.10.0.7"]), ["10.1.0.7"]);
        assert_eq!(chosen(Kind::Dotted, "5.*", &["5.1.1", "4.5.1"]), ["5.1.1"]);
    }

    #[test]
    fn capitals_count_in_identifiers_only() {
        assert_eq!(chosen(Kind::Identifier, "4XyZ", &["4XyZ", "4xyz"]), ["4XyZ"]);
        assert_eq!(chosen(Kind::Text, "ÉTÉ", &["Bel été", "Hiver"]), ["Bel été"]);
        assert_eq!(chosen(Kind::Text, "ΑΣ", &["ασα"]), ["ασα"]);
    }

    #[test]
    fn pieces_of_a_glob_do_not_overlap() {
        assert_eq!(chosen(Kind::Text, "aba*ba", &["aba", "abaXba", "ababa"]), ["abaXba", "ababa"]);
        assert_eq!(chosen(Kind::Text, "a*b*c", &["abc", "a-b-c", "acb", "xabc"]), ["abc", "a-b-c"]);
        assert_eq!(read(Kind::Text, "a**b"), read(Kind::Text, "a*b"));
    }
}
