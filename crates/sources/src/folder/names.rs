//! Which files of a folder are one log that goes on from file to file, by their names.

use std::path::Path;

/// What all files of one log are called: numbers and dates become `*`, as in `MSGTRKMD*.LOG` or `console*.log`.
pub fn log_of(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let mut log = String::with_capacity(name.len());
    for letter in name.chars() {
        let is_number = letter.is_ascii_digit();
        match (is_number, log.ends_with('*')) {
            (true, true) => {}
            (true, false) => log.push('*'),
            // Between two numbers, as in `2026032821-1`.
            (false, true) if letter == '-' => {}
            (false, _) => log.push(letter),
        }
    }
    path.with_file_name(log).display().to_string()
}

/// Do the numbers in the names say which file was written first? Those of a tracking log do; of mirrored consoles, the smallest free one is
/// taken.
pub fn is_numbered(log: &str) -> bool {
    let name = Path::new(log).file_name().map(|name| name.to_string_lossy().to_ascii_uppercase());
    name.is_some_and(|name| name.starts_with("MSGTRK"))
}

/// A name whose numbers compare as numbers: `…-2` comes before `…-10`.
pub fn in_order(path: &Path) -> Vec<(String, u128)> {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let mut parts = Vec::new();
    let mut rest: &str = &name;
    while !rest.is_empty() {
        let text = rest.find(|letter: char| letter.is_ascii_digit()).unwrap_or(rest.len());
        let (text, behind) = rest.split_at(text);
        let digits = behind.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(behind.len());
        let (digits, behind) = behind.split_at(digits);
        parts.push((text.to_owned(), digits.parse().unwrap_or(0)));
        rest = behind;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_one_log_have_one_name() {
        for (name, log) in [
            ("/a/MSGTRK2026032821-1.LOG", "/a/MSGTRK*.LOG"),
            ("/a/MSGTRKMD20260328-12.LOG", "/a/MSGTRKMD*.LOG"),
            ("/b1/console7.log", "/b1/console*.log"),
            ("/b1/console.log", "/b1/console.log"),
            ("/b1/notes-hub.log", "/b1/notes-hub.log"),
        ] {
            assert_eq!(log_of(Path::new(name)), log);
        }
    }

    #[test]
    fn numbers_in_names_compare_as_numbers() {
        let mut names = [
            "MSGTRK2026032821-10.LOG",
            "MSGTRK2026032822-1.LOG",
            "MSGTRK2026032821-2.LOG",
            "console10.log",
            "console9.log",
        ];
        names.sort_by_key(|name| in_order(Path::new(name)));
        assert_eq!(
            names,
            [
                "MSGTRK2026032821-2.LOG",
                "MSGTRK2026032821-10.LOG",
                "MSGTRK2026032822-1.LOG",
                "console9.log",
                "console10.log"
            ]
        );
    }
}
