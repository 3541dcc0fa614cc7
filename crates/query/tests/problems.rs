//! What a person reads when a filter is wrong. The texts are compared whole: changing one should be meant.

mod support;
use support::complaints;
use vigie_query::{NESTING_MAX, PROBLEMS_MAX, TERMS_MAX, TEXT_BYTES_MAX};

/// Cases: `=== ` and the filter on one line, then what is shown, then an empty line.
const CASES: &str = include_str!("problems.txt");

#[test]
fn each_mistake_is_told_with_its_place_and_its_remedy() {
    let mut count = 0;
    for case in CASES.split("=== ").skip(1) {
        let (text, expected) = case.split_once('\n').expect("a filter on its line");
        assert_eq!(complaints(text), format!("{}\n", expected.trim_end()), "{text}");
        count += 1;
    }
    assert!(count > 30, "{count} cases only");
}

#[test]
fn a_text_too_long_is_refused() {
    assert_eq!(complaints(&"a ".repeat(TERMS_MAX)), "");
    assert!(complaints(&"é".repeat(TEXT_BYTES_MAX)).starts_with("the filter is longer than 4096 bytes\n"));
    assert_eq!(complaints(&"a".repeat(TEXT_BYTES_MAX)), "");
}

#[test]
fn a_text_that_grows_too_long_when_it_is_printed_is_refused() {
    let text = "qid:a,".to_string() + &"b".repeat(TEXT_BYTES_MAX - 6);
    assert!(complaints(&text).starts_with("the filter is longer than 4096 bytes once it is written in full\n"));
}

#[test]
fn too_many_terms_are_refused_once() {
    assert!(complaints(&"a ".repeat(TERMS_MAX + 9)).starts_with("the filter has more than 256 terms\n"));
    assert_eq!(complaints(&"a ".repeat(TERMS_MAX + 9)).matches("terms\n").count(), 1);
    assert!(
        complaints(&format!("hops:{}1", "1,".repeat(TERMS_MAX))).starts_with("the filter has more than 256 terms\n")
    );
}

#[test]
fn nesting_too_deep_is_refused_once() {
    let nested = |depth: usize| "(".repeat(depth) + "a" + &")".repeat(depth);
    assert_eq!(complaints(&nested(NESTING_MAX)), "");
    assert_eq!(complaints(&nested(NESTING_MAX + 1)).lines().next(), Some("parentheses are nested more than 64 deep"));
    assert_eq!(complaints(&"(".repeat(TEXT_BYTES_MAX)).matches("nested").count(), 1);
    assert_eq!(complaints(&("-".repeat(TEXT_BYTES_MAX - 1) + "a")), "");
    assert_ne!(complaints(&"-(".repeat(TEXT_BYTES_MAX / 2)), "");
}

#[test]
fn a_text_full_of_mistakes_gives_a_screenful_of_problems() {
    assert_eq!(complaints(&"x:y ".repeat(200)).matches("there is no field").count(), PROBLEMS_MAX);
}
