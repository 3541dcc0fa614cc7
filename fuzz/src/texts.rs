//! Targets that read what people write.

use jiff::tz::TimeZone;
use vigie_query::{Context, parse, render};

/// A filter: whatever reads, prints as a text that reads as the same; whatever does not, has problems that can be shown.
pub fn query(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let context = Context {
        now: "2026-11-22T09:30:00Z".parse().expect("a moment"),
        zone: TimeZone::get("Europe/Paris").expect("a zone of the bundled database"),
    };
    match parse(&text, &context) {
        Ok(filter) => {
            let printed = filter.to_string();
            let again = parse(&printed, &context).unwrap_or_else(|problems| panic!("{printed}: {problems:?}"));
            assert_eq!(again.to_string(), printed);
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            for problem in &problems {
                assert!(!render(problem, &text).is_empty());
            }
        }
    }
}
