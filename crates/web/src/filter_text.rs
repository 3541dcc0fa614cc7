//! Filter texts as text: putting a further condition to one, taking one away. What they mean is not known here.

use std::ops::Range;

/// `q` and `term`. Put in parentheses when `q` is a choice, because "and" binds tighter than "or".
pub fn and(q: &str, term: &str) -> String {
    let (q, term) = (q.trim(), term.trim());
    match (q.is_empty(), term.is_empty()) {
        (true, _) => term.to_owned(),
        (_, true) => q.to_owned(),
        _ => format!("{} {}", grouped(q), grouped(term)),
    }
}

/// What `term` does not find.
pub fn not(term: &str) -> String {
    if terms(term).len() == 1 && !is_choice(term) {
        format!("-{}", term.trim())
    } else {
        format!("not ({})", term.trim())
    }
}

/// The conditions of a filter that can be taken away one by one; a choice is one condition.
pub fn terms(q: &str) -> Vec<Range<usize>> {
    let words = words(q);
    if is_choice(q) {
        return words.into_iter().reduce(|whole, word| whole.start..word.end).into_iter().collect();
    }
    let mut out: Vec<Range<usize>> = Vec::new();
    let mut joins = false;
    for word in words {
        match (&q[word.clone()].to_ascii_lowercase()[..], out.last_mut()) {
            ("and", _) => {}
            ("not", _) if !joins => {
                out.push(word);
                joins = true;
            }
            (_, Some(last)) if joins => {
                last.end = word.end;
                joins = false;
            }
            _ => out.push(word),
        }
    }
    out
}

/// The filter without one of its [`terms`].
pub fn without(q: &str, term: &Range<usize>) -> String {
    let kept = terms(q).into_iter().filter(|other| other != term).map(|other| &q[other]);
    kept.collect::<Vec<_>>().join(" ")
}

fn grouped(q: &str) -> String {
    if is_choice(q) { format!("({q})") } else { q.to_owned() }
}

fn is_choice(q: &str) -> bool {
    words(q).into_iter().any(|word| q[word].eq_ignore_ascii_case("or"))
}

/// What white space separates, outside quotes and parentheses.
fn words(q: &str) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let (mut begin, mut quoted, mut depth) = (None, false, 0u32);
    for (at, c) in q.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        let separates = c.is_whitespace() && !quoted && depth == 0;
        match (separates, begin) {
            (true, Some(from)) => {
                out.push(from..at);
                begin = None;
            }
            (false, None) => begin = Some(at),
            _ => {}
        }
    }
    out.extend(begin.map(|from| from..q.len()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chips(q: &str) -> Vec<&str> {
        terms(q).into_iter().map(|term| &q[term]).collect()
    }

    #[test]
    fn a_choice_is_grouped_before_it_is_narrowed() {
        assert_eq!(and("from:a or from:b", "server:mx1"), "(from:a or from:b) server:mx1");
        assert_eq!(and("from:a", "to:b or to:c"), "from:a (to:b or to:c)");
        assert_eq!(and("subject:\"this or that\"", "to:b"), "subject:\"this or that\" to:b");
        assert_eq!(and("", "to:b"), "to:b");
        assert_eq!(and("to:b", " "), "to:b");
    }

    #[test]
    fn conditions_can_be_taken_away_one_by_one() {
        assert_eq!(
            chips("from:a subject:\"b c\" (x or y) and not z"),
            ["from:a", "subject:\"b c\"", "(x or y)", "not z"]
        );
        assert_eq!(chips("a or b c"), ["a or b c"]);
        assert_eq!(chips("   "), Vec::<&str>::new());
        let q = "from:a  to:b size>2MB";
        assert_eq!(without(q, &terms(q)[1]), "from:a size>2MB");
    }

    #[test]
    fn the_opposite_of_one_and_of_several_conditions() {
        assert_eq!(not("server:mx1"), "-server:mx1");
        assert_eq!(not("a b"), "not (a b)");
        assert_eq!(not("a or b"), "not (a or b)");
    }

    #[test]
    fn unfinished_quotes_and_parentheses_are_one_word() {
        assert_eq!(chips("a \"b c"), ["a", "\"b c"]);
        assert_eq!(chips("a (b c"), ["a", "(b c"]);
        assert_eq!(chips("é) ü"), ["é)", "ü"]);
    }
}
