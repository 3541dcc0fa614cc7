//! The nearest valid name for a mistyped one.

/// Longer words are not mistyped names, and the comparison is quadratic.
const LETTERS_MAX: usize = 32;

/// The candidate that was probably meant, if one is near: at most two slips of the finger (one in a short word), or an abbreviation.
pub(crate) fn nearest<'a>(written: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let written: Vec<char> = written.to_lowercase().chars().take(LETTERS_MAX + 1).collect();
    if written.len() < 2 || written.len() > LETTERS_MAX {
        return None;
    }
    let slips_max = if written.len() <= 3 { 1 } else { 2 };
    candidates
        .map(|candidate| (slips(&written, candidate), candidate))
        .filter(|&(slips, _)| slips <= slips_max)
        .min_by_key(|&(slips, _)| slips)
        .map(|(_, candidate)| candidate)
}

/// Letters added, dropped, replaced or swapped with their neighbour; an abbreviation of three letters or more counts as two.
fn slips(written: &[char], candidate: &str) -> usize {
    let wanted: Vec<char> = candidate.chars().collect();
    let distance = alignment_distance(written, &wanted);
    if written.len() >= 3 && wanted.starts_with(written) { distance.min(2) } else { distance }
}

fn alignment_distance(a: &[char], b: &[char]) -> usize {
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_and_abbreviations_are_recognised() {
        let names = ["from", "to", "recipients", "subject", "status"];
        let found = |written| nearest(written, names.into_iter());
        assert_eq!(found("form"), Some("from"));
        assert_eq!(found("sujbect"), Some("subject"));
        assert_eq!(found("recip"), Some("recipients"));
        assert_eq!(found("statsu"), Some("status"));
        assert_eq!(found("http"), None);
        assert_eq!(found("x"), None);
        assert_eq!(found(&"é".repeat(5000)), None);
    }
}
