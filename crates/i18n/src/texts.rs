//! Texts by key, from the two `.ftl` files.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use unic_langid::LanguageIdentifier;

use crate::{Lang, fmt};

/// An argument of a text.
#[derive(Debug, Clone, Copy)]
pub enum Arg<'a> {
    Text(&'a str),
    /// `$name` chooses the plural, `$name-shown` is the number as people of that language write it.
    Count(u64),
}

struct Locale {
    bundle: FluentBundle<FluentResource>,
    keys: BTreeSet<String>,
}

static EN: LazyLock<Locale> = LazyLock::new(|| Locale::compiled_in(Lang::En, include_str!("../locales/en.ftl")));
static FR: LazyLock<Locale> = LazyLock::new(|| Locale::compiled_in(Lang::Fr, include_str!("../locales/fr.ftl")));

/// The text without arguments. A key that does not exist comes back as itself: ugly, visible, harmless.
pub fn t(lang: Lang, key: &str) -> String {
    tn(lang, key, &[])
}

/// The text with arguments.
pub fn tn(lang: Lang, key: &str, args: &[(&str, Arg<'_>)]) -> String {
    let locale = locale(lang);
    let Some(pattern) = locale.bundle.get_message(key).and_then(|message| message.value()) else {
        return key.to_owned();
    };
    let mut problems = Vec::new();
    locale.bundle.format_pattern(pattern, Some(&fluent_args(lang, args)), &mut problems).into_owned()
}

/// Whether the key exists in the language.
pub fn has(lang: Lang, key: &str) -> bool {
    locale(lang).keys.contains(key)
}

/// All keys of the language, sorted.
pub fn keys(lang: Lang) -> impl Iterator<Item = &'static str> {
    locale(lang).keys.iter().map(String::as_str)
}

fn locale(lang: Lang) -> &'static Locale {
    match lang {
        Lang::En => &EN,
        Lang::Fr => &FR,
    }
}

fn fluent_args<'a>(lang: Lang, args: &[(&'a str, Arg<'a>)]) -> FluentArgs<'a> {
    let mut out = FluentArgs::new();
    for (name, arg) in args {
        match arg {
            Arg::Text(text) => out.set(*name, *text),
            Arg::Count(n) => {
                out.set(*name, *n);
                out.set(format!("{name}-shown"), fmt::int(lang, *n));
            }
        }
    }
    out
}

impl Locale {
    fn compiled_in(lang: Lang, source: &str) -> Locale {
        let id: LanguageIdentifier = lang.code().parse().expect("our language codes are well formed");
        let resource = FluentResource::try_new(source.to_owned())
            .unwrap_or_else(|(_, problems)| panic!("{}.ftl does not parse: {problems:?}", lang.code()));
        let keys = message_keys(source);
        let mut bundle = FluentBundle::new_concurrent(vec![id]);
        // Otherwise HTML and CSV fill up with U+2068 and U+2069 around each argument.
        bundle.set_use_isolating(false);
        bundle.add_resource(resource).unwrap_or_else(|problems| panic!("{}.ftl: {problems:?}", lang.code()));
        Locale { bundle, keys }
    }
}

/// Keys of an `.ftl` file: what stands before ` =` at the begin of a line.
fn message_keys(source: &str) -> BTreeSet<String> {
    let begins_with_letter = |line: &&str| line.starts_with(|c: char| c.is_ascii_alphabetic());
    source
        .lines()
        .filter(begins_with_letter)
        .filter_map(|line| line.split_once('='))
        .map(|(key, _)| key.trim().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_keys() {
        let (en, fr): (BTreeSet<_>, BTreeSet<_>) = (keys(Lang::En).collect(), keys(Lang::Fr).collect());
        assert_eq!(en.difference(&fr).collect::<Vec<_>>(), Vec::<&&str>::new(), "missing in French");
        assert_eq!(fr.difference(&en).collect::<Vec<_>>(), Vec::<&&str>::new(), "missing in English");
        assert!(en.len() > 50);
    }

    #[test]
    fn both_languages_use_the_same_arguments() {
        for key in keys(Lang::En) {
            assert_eq!(arguments(Lang::En, key), arguments(Lang::Fr, key), "{key}");
        }
    }

    #[test]
    fn every_key_is_a_message_of_the_bundle() {
        for lang in Lang::ALL {
            for key in keys(lang) {
                assert!(locale(lang).bundle.has_message(key), "{key} in {}", lang.code());
            }
        }
    }

    #[test]
    fn plural_of_zero_is_singular_in_french_only() {
        let messages = |lang, n| tn(lang, "count-messages", &[("n", Arg::Count(n))]);
        assert_eq!(messages(Lang::En, 0), "0 messages");
        assert_eq!(messages(Lang::En, 1), "1 message");
        assert_eq!(messages(Lang::En, 12_345), "12,345 messages");
        assert_eq!(messages(Lang::Fr, 0), "0\u{a0}message");
        assert_eq!(messages(Lang::Fr, 12_345), "12\u{202f}345\u{a0}messages");
    }

    #[test]
    fn arguments_are_not_read_as_fluent() {
        let text = tn(Lang::En, "problem-hint", &[("hint", Arg::Text("{ $n } <b>"))]);
        assert!(text.contains("{ $n } <b>"), "{text}");
    }

    #[test]
    fn unknown_key_shows_itself() {
        assert_eq!(t(Lang::Fr, "no-such-key"), "no-such-key");
    }

    /// The `$names` in the source of one message; `$n-shown` and `$n` are one argument.
    fn arguments(lang: Lang, key: &str) -> BTreeSet<String> {
        let source = match lang {
            Lang::En => include_str!("../locales/en.ftl"),
            Lang::Fr => include_str!("../locales/fr.ftl"),
        };
        let begin = source
            .lines()
            .position(|line| line.split_once('=').is_some_and(|(k, _)| k.trim() == key))
            .expect("known key");
        let mut lines = source.lines().skip(begin);
        let first = lines.next().into_iter();
        let body: String =
            first.chain(lines.take_while(|line| line.starts_with([' ', '}']))).collect::<Vec<_>>().join("\n");
        body.split('$').skip(1).map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric()).collect()).collect()
    }
}
