//! Who reads the page: language, theme, zone. Every text and every number of a page goes through here.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE};
use jiff::{Timestamp, tz::TimeZone};
use vigie_i18n::{Arg, Lang, fmt};

/// How long a browser keeps what its reader chose: one year.
const COOKIE_AGE_S: u32 = 365 * 24 * 3600;

/// The largest share that is shown where something is missing.
const ALMOST_ALL: f64 = 0.999;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    #[default]
    Auto,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Theme; 3] = [Theme::Auto, Theme::Light, Theme::Dark];

    pub fn word(self) -> &'static str {
        match self {
            Theme::Auto => "auto",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    pub fn from_word(word: &str) -> Option<Theme> {
        Theme::ALL.into_iter().find(|theme| theme.word() == word)
    }
}

#[derive(Debug, Clone)]
pub struct Reader {
    pub lang: Lang,
    pub theme: Theme,
    pub zone: TimeZone,
    /// The browser has told its zone; until then the zone is the server's.
    pub zone_told: bool,
}

impl Reader {
    /// From cookies and headers; what they do not say is the server's choice.
    pub fn from_headers(headers: &HeaderMap, zone_default: &TimeZone) -> Reader {
        let accepted =
            headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).and_then(Lang::from_accept_language);
        let lang = cookie(headers, "lang").and_then(Lang::from_code).or(accepted).unwrap_or_default();
        let theme = cookie(headers, "theme").and_then(Theme::from_word).unwrap_or_default();
        let zone = cookie(headers, "zone").and_then(zone_from_cookie);
        Reader { lang, theme, zone_told: zone.is_some(), zone: zone.unwrap_or_else(|| zone_default.clone()) }
    }

    pub fn t(&self, key: &str) -> String {
        vigie_i18n::t(self.lang, key)
    }

    pub fn tn(&self, key: &str, args: &[(&str, Arg<'_>)]) -> String {
        vigie_i18n::tn(self.lang, key, args)
    }

    /// A text whose only argument is the count `$n`.
    pub fn count(&self, key: &str, n: u64) -> String {
        self.tn(key, &[("n", Arg::Count(n))])
    }

    pub fn int(&self, n: u64) -> String {
        fmt::int(self.lang, n)
    }

    pub fn pct(&self, share: f64) -> String {
        fmt::pct(self.lang, share)
    }

    /// A share of which "100 %" must mean all.
    pub fn pct_of_all(&self, share: f64) -> String {
        if share < 1.0 { self.pct(share.min(ALMOST_ALL)) } else { self.pct(share) }
    }

    pub fn bytes(&self, n: u64) -> String {
        fmt::bytes(self.lang, n)
    }

    pub fn millis(&self, ms: u64) -> String {
        fmt::millis(self.lang, ms)
    }

    pub fn compact(&self, value: f64) -> String {
        fmt::compact(self.lang, value)
    }

    pub fn datetime(&self, at: Timestamp) -> String {
        fmt::datetime(self.lang, at, &self.zone)
    }

    pub fn datetime_s(&self, at: Timestamp) -> String {
        fmt::datetime_s(self.lang, at, &self.zone)
    }

    pub fn date(&self, at: Timestamp) -> String {
        fmt::date(self.lang, at, &self.zone)
    }

    pub fn time(&self, at: Timestamp) -> String {
        fmt::time(self.lang, at, &self.zone)
    }

    pub fn time_s(&self, at: Timestamp) -> String {
        fmt::time_s(self.lang, at, &self.zone)
    }
}

/// A cookie that remembers a choice; readable by our script, which sets the same ones.
pub fn choice_cookie(name: &str, value: &str) -> String {
    format!("{name}={value}; Path=/; Max-Age={COOKIE_AGE_S}; SameSite=Lax")
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let pairs =
        headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// `Europe%2FParis` or `Europe/Paris`. Only names of the zone database: jiff would also read a path or a POSIX rule.
fn zone_from_cookie(value: &str) -> Option<TimeZone> {
    let name = value.replace("%2F", "/");
    let like_a_name = !name.starts_with('/')
        && !name.contains("..")
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+-".contains(&b));
    if like_a_name { TimeZone::get(&name).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn reader(cookie: &'static str, accept: &'static str) -> Reader {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_static(cookie));
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static(accept));
        Reader::from_headers(&headers, &TimeZone::UTC)
    }

    #[test]
    fn cookie_wins_over_the_browser() {
        let reader = reader("a=b; lang=fr; theme=dark; zone=Europe%2FParis", "en");
        assert_eq!((reader.lang, reader.theme, reader.zone.iana_name()), (Lang::Fr, Theme::Dark, Some("Europe/Paris")));
    }

    #[test]
    fn nonsense_in_cookies_is_as_if_absent() {
        for cookie in ["zone=../../etc/passwd; theme=<b>; lang=xx", "zone=/etc/localtime", ";;;=", "zone=EST5EDT,M3"] {
            let reader = reader(cookie, "fr-CA");
            assert_eq!((reader.lang, reader.theme, reader.zone_told), (Lang::Fr, Theme::Auto, false), "{cookie}");
        }
    }
}
