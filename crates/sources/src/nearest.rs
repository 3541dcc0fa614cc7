//! The name a person meant when a file is not there.

use std::path::{Path, PathBuf};

/// Names of a folder that are looked at.
const NAMES_MAX: usize = 10_000;

/// The file in the same folder whose name differs least, when it differs by little.
pub(crate) fn nearest(path: &Path) -> Option<PathBuf> {
    let wanted = path.file_name()?.to_str()?.to_lowercase();
    let folder = path.parent()?;
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let edits_max = (wanted.chars().count() / 3).max(2);
    let names = std::fs::read_dir(folder).ok()?.flatten().take(NAMES_MAX).map(|entry| entry.file_name());
    // A link to nowhere has the very name, and is not what was meant.
    let names = names.filter(|name| Some(name.as_os_str()) != path.file_name());
    let (edits, name) = names.map(|name| (edits(&wanted, &name.to_string_lossy().to_lowercase()), name)).min()?;
    (edits <= edits_max).then(|| path.with_file_name(name))
}

/// Levenshtein's distance, one row at a time.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, wanted) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, found) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(wanted != *found);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::edits;

    #[test]
    fn edits_are_counted() {
        assert_eq!(edits("mail.log", "mail.log"), 0);
        assert_eq!(edits("mial.log", "mail.log"), 2);
        assert_eq!(edits("mail.lg", "mail.log"), 1);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("kitten", "sitting"), 3);
    }
}
