//! What a request asks for: the state in the address and the reader's choices, parsed once, at the door.

use axum::extract::FromRequestParts;
use axum::http::{HeaderValue, StatusCode, header, request::Parts};
use axum::response::{Html, IntoResponse, Response};
use jiff::{Timestamp, civil::Date};
use maud::Markup;
use vigie_i18n::Lang;

use crate::address::{Address, sort_from_word};
use crate::backend::{PAGE_ROWS, PageRequest, Scope, SilentSource, Sort};
use crate::period::Period;
use crate::reader::{Reader, Theme, choice_cookie};
use crate::router::App;
use crate::{layout, pages};

/// Names that an address of ours may carry. Anything else is an error: a misspelt `q` must not mean "everything".
pub const KNOWN_NAMES: [&str; 8] = ["q", "period", "from", "until", "sort", "after", "lang", "theme"];

/// A longer filter nobody types; an address of this length every browser and proxy still carries.
const Q_BYTES_MAX: usize = 4_000;

#[derive(Debug, Clone)]
pub struct Asked {
    pub reader: Reader,
    pub path: String,
    pub q: String,
    /// `None`: the address names none, and the server's default holds.
    pub period: Option<Period>,
    pub period_default: Period,
    /// The filter says its own period, which takes the place of the chosen one.
    pub q_says_period: bool,
    pub sort: Sort,
    pub after: Option<String>,
    /// Sources that should bring lines and do not.
    pub silent: Vec<SilentSource>,
    cookies: Vec<String>,
}

/// A part of an address that cannot be meant.
#[derive(Debug, PartialEq, Eq)]
pub enum AddressProblem {
    UnknownName(String),
    BadValue { name: &'static str, value: String },
}

impl Asked {
    pub fn scope(&self) -> Scope {
        Scope {
            q: self.q.clone(),
            period: self.period_in_force(),
            zone: self.reader.zone.clone(),
            lang: self.reader.lang,
        }
    }

    pub fn page_request(&self) -> PageRequest {
        PageRequest { sort: self.sort, after: self.after.clone(), limit: PAGE_ROWS }
    }

    /// A period in the filter wins over a chosen one, which forms always send; exact periods come from links to a part of
    /// what the filter says, and narrow it.
    pub fn period_in_force(&self) -> Period {
        match self.period {
            Some(exact @ Period::Fixed { .. }) => exact,
            _ if self.q_says_period => Period::All,
            chosen => chosen.unwrap_or(self.period_default),
        }
    }

    /// Another page about the same mail: same filter, same period.
    pub fn elsewhere(&self, path: &str) -> Address {
        Address::new(path).filter(&self.q).period(self.period)
    }

    /// This page with another filter.
    pub fn with_filter(&self, q: &str) -> Address {
        Address::new(&self.path).filter(q).period(self.period).sort(self.sort)
    }

    /// The filter bar of a page that lists nothing itself leads to the messages.
    pub fn on_search(&self) -> Asked {
        Asked { path: "/search".to_owned(), ..self.clone() }
    }

    /// This very page.
    pub fn here(&self) -> Address {
        self.with_filter(&self.q).after(self.after.as_deref())
    }

    /// The answer to a browser: the body in the frame, with the headers that every page has.
    pub fn respond(&self, status: StatusCode, page: layout::Page) -> Response {
        self.respond_markup(status, layout::frame(self, page))
    }

    fn respond_markup(&self, status: StatusCode, markup: Markup) -> Response {
        let mut response = (status, Html(markup.into_string())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        headers.insert(header::VARY, HeaderValue::from_static("Cookie, Accept-Language"));
        for cookie in &self.cookies {
            if let Ok(value) = HeaderValue::from_str(cookie) {
                headers.append(header::SET_COOKIE, value);
            }
        }
        response
    }

    /// Reads the query; gives all problems, not the first one.
    fn read(&mut self, query: &str) -> Vec<AddressProblem> {
        let (mut problems, mut from, mut until) = (Vec::new(), None, None);
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim();
            let Some(name) = KNOWN_NAMES.into_iter().find(|known| *known == name) else {
                problems.push(AddressProblem::UnknownName(name.into_owned()));
                continue;
            };
            // Forms send their empty fields too.
            if value.is_empty() {
                continue;
            }
            let understood = match name {
                "q" => (value.len() <= Q_BYTES_MAX).then(|| self.q = value.to_owned()),
                "period" => Period::parse(value).map(|period| self.period = Some(period)),
                "from" => value.parse::<Date>().ok().map(|day| from = Some(day)),
                "until" => value.parse::<Date>().ok().map(|day| until = Some(day)),
                "sort" => sort_from_word(value).map(|sort| self.sort = sort),
                "after" => {
                    self.after = Some(value.to_owned());
                    Some(())
                }
                "lang" => Lang::from_code(value).map(|lang| self.choose_lang(lang)),
                _ => Theme::from_word(value).map(|theme| self.choose_theme(theme)),
            };
            if understood.is_none() {
                problems.push(AddressProblem::BadValue { name, value: value.to_owned() });
            }
        }
        match days(from, until) {
            Some(Ok(period)) => self.period = Some(period),
            Some(Err(problem)) => problems.push(problem),
            None => {}
        }
        problems
    }

    fn says_period(&self, now: Timestamp) -> bool {
        let context = vigie_query::Context { now, zone: self.reader.zone.clone() };
        vigie_query::parse(&self.q, &context).is_ok_and(|filter| !filter.period.text.is_empty())
    }

    fn choose_lang(&mut self, lang: Lang) {
        self.reader.lang = lang;
        self.cookies.push(choice_cookie("lang", lang.code()));
    }

    fn choose_theme(&mut self, theme: Theme) {
        self.reader.theme = theme;
        self.cookies.push(choice_cookie("theme", theme.word()));
    }
}

/// The two date fields of the filter bar; one alone means that day.
fn days(from: Option<Date>, until: Option<Date>) -> Option<Result<Period, AddressProblem>> {
    let (first, last) = (from.or(until)?, until.or(from)?);
    if first <= last {
        Some(Ok(Period::Days { first, last }))
    } else {
        Some(Err(AddressProblem::BadValue { name: "until", value: last.to_string() }))
    }
}

impl FromRequestParts<App> for Asked {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Asked, Response> {
        let mut asked = Asked {
            reader: Reader::from_headers(&parts.headers, &app.settings.zone),
            path: parts.uri.path().to_owned(),
            q: String::new(),
            period: None,
            period_default: app.backend.default_period(),
            q_says_period: false,
            sort: Sort::default(),
            after: None,
            silent: app.backend.silent(),
            cookies: Vec::new(),
        };
        let problems = asked.read(parts.uri.query().unwrap_or_default());
        asked.q_says_period = asked.says_period(app.backend.now());
        if problems.is_empty() { Ok(asked) } else { Err(pages::failure::bad_address(&asked, &problems)) }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    pub(crate) fn asked(query: &str) -> (Asked, Vec<AddressProblem>) {
        let reader = Reader { lang: Lang::En, theme: Theme::Auto, zone: TimeZone::UTC, zone_told: true };
        let mut asked = Asked {
            reader,
            path: "/search".into(),
            q: String::new(),
            period: None,
            period_default: Period::Last { hours: 24 },
            q_says_period: false,
            sort: Sort::Newest,
            after: None,
            silent: vec![],
            cookies: vec![],
        };
        let problems = asked.read(query);
        asked.q_says_period = asked.says_period(Timestamp::UNIX_EPOCH);
        (asked, problems)
    }

    #[test]
    fn address_survives_a_round_trip() {
        let (first, problems) = asked("q=from%3Aa+b&period=7d&sort=slowest&after=xyz");
        assert_eq!(problems, []);
        assert_eq!(first.here().to_string(), "/search?q=from:a%20b&period=7d&sort=slowest&after=xyz");
    }

    #[test]
    fn a_period_in_the_filter_wins_over_the_chosen_one_but_not_over_an_exact_one() {
        assert_eq!(asked("q=from%3Aa&period=7d").0.scope().period, Period::Last { hours: 7 * 24 });
        assert_eq!(asked("q=from%3Aa+on%3Ayesterday&period=7d").0.scope().period, Period::All);
        let exact = "2026-11-22T05:00:00Z/2026-11-22T05:15:00Z";
        assert_eq!(asked(&format!("q=month%3A2026-11&period={exact}")).0.scope().period.to_string(), exact);
    }

    #[test]
    fn misspelt_names_are_refused_and_all_problems_told() {
        let (_, problems) = asked("perid=7d&period=yesterday&lang=xx");
        assert_eq!(problems.len(), 3);
        assert_eq!(problems[0], AddressProblem::UnknownName("perid".into()));
    }

    #[test]
    fn two_dates_make_a_period_of_whole_days() {
        let (both, _) = asked("from=2026-11-01&until=2026-11-08&period=24h");
        assert_eq!(both.here().to_string(), "/search?period=2026-11-01/2026-11-08");
        let (one, _) = asked("from=2026-11-01&until=");
        assert_eq!(one.here().to_string(), "/search?period=2026-11-01/2026-11-01");
        assert_eq!(asked("from=2026-11-09&until=2026-11-08").1.len(), 1);
    }
}
