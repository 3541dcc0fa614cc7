//! What holds for every text.

mod support;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use support::paris;
use vigie_query::{Field, TEXT_BYTES_MAX, fields, parse, periods, render, term_text};

/// Pieces that mean something to the grammar, so that random texts are often nearly right.
fn piece() -> impl Strategy<Value = String> {
    let names: Vec<&'static str> =
        fields().iter().map(|info| info.name).chain(periods().iter().map(|info| info.name)).collect();
    prop_oneof![
        4 => prop::sample::select(names).prop_map(|name| format!("{name}:")),
        2 => prop::sample::select(vec!["=", "!=", ">", "<", ">=", "<=", ":", ",", "*", "@", "<>", "\"", "\\", "-", ".", "(", ")"]).prop_map(str::to_string),
        4 => Just(" ".to_string()),
        2 => prop::sample::select(vec![" or ", " and ", " not ", " -", " (", ") "]).prop_map(str::to_string),
        3 => prop::sample::select(vec!["bounced", "2MB", "30s", "7d", "today", "2026-11", "2026-11-22T10:00", "yes", "in", "10.1.2.3", "fe80::1", "b@c.d"]).prop_map(str::to_string),
        2 => "[a-zA-Z0-9éΣİ]{1,4}",
    ]
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-zA-Z@.*<>\"\\\\,()=: éΣİß-]{0,8}",
        1 => "\\PC{0,6}",
        1 => any::<String>(),
    ]
}

/// Terms with values of every sort, most of them right.
fn term() -> impl Strategy<Value = String> {
    let texts: Vec<&'static str> = fields().iter().filter(|info| info.kind.is_text()).map(|info| info.name).collect();
    let escaped = |value: String| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
    prop_oneof![
        6 => (prop::sample::select(texts), prop::sample::select(vec![":", "=", "!="]), prop::collection::vec(value(), 1..3))
            .prop_map(move |(name, sign, values)| format!("{name}{sign}{}", values.into_iter().map(escaped).collect::<Vec<_>>().join(","))),
        2 => value().prop_map(escaped),
        1 => (0_u64..=i64::MAX as u64).prop_map(|n| format!("size>{n}")),
        1 => (0_u64..1_000_000, prop::sample::select(vec!["KB", "MiB", "GB", ".5MB"])).prop_map(|(n, unit)| format!("size<={n}{unit}")),
        1 => (0_u64..=i64::MAX as u64).prop_map(|n| format!("delay<{n}ms")),
        1 => (0_u64..1_000, prop::sample::select(vec!["s", "min", "h", "d", "w", ".25h", "h5s"])).prop_map(|(n, unit)| format!("delay:{n}{unit}")),
    ]
}

fn expression() -> impl Strategy<Value = String> {
    term().prop_recursive(5, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} or {b}")),
            inner.clone().prop_map(|a| format!("-({a})")),
            inner.prop_map(|a| format!("not {a}")),
        ]
    })
}

/// Whatever reads, prints as a text that reads as the same; whatever does not, has problems that can be shown.
fn check(text: &str) -> Result<bool, TestCaseError> {
    match parse(text, &paris()) {
        Ok(filter) => {
            let printed = filter.to_string();
            prop_assert!(printed.len() <= TEXT_BYTES_MAX);
            let again = parse(&printed, &paris());
            prop_assert_eq!(again.as_ref(), Ok(&filter), "{:?} printed as {:?}", text, printed);
            prop_assert_eq!(again.map(|again| again.to_string()), Ok(printed));
            Ok(true)
        }
        Err(problems) => {
            prop_assert!(!problems.is_empty());
            for problem in problems {
                prop_assert!(text.get(problem.span.clone()).is_some(), "{:?} in {:?}", problem, text);
                prop_assert!(render(&problem, text).contains('^'));
            }
            Ok(false)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, rng_seed: RngSeed::Fixed(20_261_122), ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused_with_problems_in_it(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn texts_that_are_nearly_right_print_back(pieces in prop::collection::vec(piece(), 0..16)) {
        check(&pieces.concat())?;
    }

    #[test]
    fn terms_print_back(text in term()) {
        check(&text)?;
    }

    #[test]
    fn expressions_print_back_with_their_period(text in expression(), period in prop::sample::select(vec!["", "last:7d", "on:today last:24h"])) {
        check(&format!("({text}) {period}"))?;
        check(&text)?;
    }

    #[test]
    fn taking_a_chip_away_and_adding_it_again_keeps_the_conditions(text in expression()) {
        if let Ok(filter) = parse(&text, &paris()) {
            let chips = filter.terms();
            for (at, chip) in chips.iter().enumerate() {
                prop_assert_eq!(filter.without(at).terms().len(), chips.len() - 1);
                let back = filter.without(at).and(chip, &paris());
                prop_assert!(back.is_ok_and(|back| back.terms().contains(chip)));
            }
        }
    }

    #[test]
    fn a_link_from_any_value_reads(value in value()) {
        for info in fields().iter().filter(|info| info.kind.is_text()) {
            let text = term_text(info.field, &value);
            prop_assert!(check(&text)?, "{}", text);
        }
        let text = term_text(Field::Any, &format!("{value}."));
        prop_assert!(parse(&text, &paris()).is_ok_and(|filter| filter.terms().len() == 1), "{}", text);
    }
}
