//! What to ask next, given what was answered: no socket, file or clock, so that every answer can be tried.
//!
//! Whoever drives it asks for a [`Step`], does it, and says how it went. Rows that come back have to be in the spool and on disk before
//! [`Poll::stored`] is called: only then does a window count as read.

use std::collections::HashSet;
use std::time::Duration;

use vigie_model::{MICROS_PER_SECOND, iso};
use xxhash_rust::xxh3::xxh3_64;

use crate::graph::{self, GraphRow, LINK_BYTES_MAX};
use crate::http::{Answer, Fault};
use crate::origin::Origin;
use crate::pace::Pace;
use crate::plan::{Kind, Next, Plan, Window};
use crate::poller::Now;
use crate::secret::SecretError;
use crate::tenant::Tenant;
use crate::token::{self, Token};
use crate::trouble::Trouble;

/// A page is tried so often before its window is begun again.
const TRIES_MAX: u32 = 5;
/// Of a window. With fewer rows on a page than asked for there may be many; without an end there are.
const PAGES_MAX: u64 = 2000;
/// A window of more rows is read in parts: until it ends, all its rows have to be known.
const WINDOW_ROWS_MAX: u64 = 200_000;
const PARTS: i64 = 8;
/// Pages that are too large, or take too long, are asked for with half the rows, but not fewer than these.
const PAGE_ROWS_MIN: u64 = 100;
/// A row may be so much older than what was asked for. What is older still would be new each time, because it is known no more.
const OLDER_S: i64 = 3600;
const LATE: [u16; 2] = [408, 504];

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing before this moment.
    Wait(Duration),
    /// Ask for a token.
    Token,
    /// Ask Graph for this path.
    Page(String),
}

/// What came of a page.
#[derive(Debug)]
pub(crate) enum Got {
    /// Rows to be spooled; then [`Poll::stored`].
    Rows {
        rows: Vec<GraphRow>,
        unreadable: u64,
    },
    /// Nothing yet: the token was too old.
    Again,
    Trouble(Trouble),
}

/// What a person should know although it goes on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Not read in time, and no longer there.
    Gone { from: i64, to: i64 },
    /// As many rows as a page may have, and no next one.
    Truncated { window: Window },
}

/// A window that is being read.
#[derive(Debug)]
struct Reading {
    window: Window,
    asked: i64,
    path: String,
    /// Links that were followed, so that none is followed twice.
    links: HashSet<u64>,
    pages: u64,
    rows: u64,
    page_rows: u64,
    after: After,
}

/// What comes after the rows are stored.
#[derive(Debug, PartialEq, Eq)]
enum After {
    Next(String),
    End,
    /// The window is begun again, shorter.
    Anew,
}

/// The reading of one tenant.
#[derive(Debug)]
pub struct Poll {
    login: Origin,
    graph: Origin,
    plan: Plan,
    pace: Pace,
    token: Option<Token>,
    /// The token was renewed because it was not taken.
    is_renewed: bool,
    reading: Option<Reading>,
    tries: u32,
    page_rows: u64,
    page_rows_max: u64,
    /// Microsoft's clock less this machine's. All windows are of Microsoft's clock.
    ahead_s: i64,
    news: Vec<News>,
}

impl Poll {
    /// Goes on from what is durable. `seed` is for the jitter between attempts.
    pub fn new(tenant: &Tenant, durable: Option<i64>, seed: u64) -> Self {
        Poll {
            login: tenant.login.clone(),
            graph: tenant.graph.clone(),
            plan: Plan::new(tenant.every, tenant.history_days, durable),
            pace: Pace::new(tenant.requests, seed),
            token: None,
            is_renewed: false,
            reading: None,
            tries: 0,
            page_rows: tenant.page_rows,
            page_rows_max: tenant.page_rows,
            ahead_s: 0,
            news: Vec::new(),
        }
    }

    /// Everything received before this second was read for good.
    pub fn durable(&self) -> Option<i64> {
        self.plan.durable()
    }

    /// What to do now. `floor` is that of the rows that are known.
    pub fn step(&mut self, now: Now, floor: i64) -> Step {
        let free_at = self.pace.free_at(now.steady);
        if free_at > now.steady {
            return Step::Wait(free_at);
        }
        // Its answer tells Microsoft's time, too, before the first window is chosen.
        if self.token.is_none() {
            return Step::Token;
        }
        if self.reading.is_none() {
            match self.begin(now, floor) {
                Next::At(at) => return Step::Wait(at),
                Next::Read(window) => self.reading = Some(Reading::new(window, self.wall(now), self.page_rows)),
            }
        }
        match (&self.token, &self.reading) {
            (Some(token), Some(reading)) if token.renew_at > now.steady => {
                self.pace.goes(now.steady);
                Step::Page(reading.path.clone())
            }
            _ => Step::Token,
        }
    }

    fn begin(&mut self, now: Now, floor: i64) -> Next {
        let mut lost = None;
        let next = self.plan.next(self.wall(now), now.steady, floor, &mut lost);
        self.news.extend(lost.map(|(from, to)| News::Gone { from, to }));
        next
    }

    fn wall(&self, now: Now) -> i64 {
        now.wall.saturating_add(self.ahead_s)
    }

    fn heard(&mut self, now: Now, answer: &Answer) {
        if let Some(date) = answer.date {
            self.ahead_s = date - now.wall;
        }
    }

    /// The token that requests show.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_ref().map(|token| token.text.as_str())
    }

    /// By how much this machine's clock is behind Microsoft's.
    pub(crate) fn ahead_s(&self) -> i64 {
        self.ahead_s
    }

    /// What happened since it was asked last.
    pub(crate) fn news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// There is no secret.
    pub(crate) fn no_secret(&mut self, now: Now, error: SecretError) -> Trouble {
        self.pace.failed(now.steady);
        error.into()
    }

    /// An answer to [`Step::Token`].
    pub(crate) fn token_answered(&mut self, now: Now, answer: Result<Answer, Fault>) -> Option<Trouble> {
        let host = || self.login.host().to_owned();
        let answer = match answer {
            Ok(answer) => answer,
            Err(fault) => {
                self.pace.failed(now.steady);
                return Some(fault.into());
            }
        };
        let trouble = match answer.status {
            200 => match token::token(&answer.body, now.steady) {
                Some(token) => {
                    self.heard(now, &answer);
                    self.token = Some(token);
                    return None;
                }
                None => Trouble::Nonsense { host: host() },
            },
            429 | 503 if answer.status == 429 || answer.retry_after.is_some() => {
                let wait = self.pace.throttled(now.steady, answer.retry_after);
                return Some(Trouble::Throttled { wait });
            }
            status @ 500.. => Trouble::Failing { host: host(), status, said: token::refusal(&answer.body).1 },
            _ => {
                let (code, said) = token::refusal(&answer.body);
                Trouble::NoToken { host: host(), code, said }
            }
        };
        self.rest(now, &trouble);
        Some(trouble)
    }

    /// An answer to [`Step::Page`].
    pub(crate) fn page_answered(&mut self, now: Now, answer: Result<Answer, Fault>) -> Got {
        let answer = match answer {
            Ok(answer) => answer,
            Err(fault) => {
                let is_too_much = matches!(fault, Fault::Late { .. } | Fault::TooLarge { .. });
                return self.try_again(now, fault.into(), is_too_much);
            }
        };
        self.heard(now, &answer);
        match answer.status {
            200 => self.page(now, &answer.body),
            401 if !self.is_renewed && !is_trace_app_missing(&answer) => {
                (self.token, self.is_renewed) = (None, true);
                Got::Again
            }
            429 | 503 if answer.status == 429 || answer.retry_after.is_some() => {
                Got::Trouble(Trouble::Throttled { wait: self.pace.throttled(now.steady, answer.retry_after) })
            }
            status => self.refused(now, status, &answer),
        }
    }

    fn refused(&mut self, now: Now, status: u16, answer: &Answer) -> Got {
        let trouble = Trouble::of_graph(self.graph.host(), status, &graph::problem(&answer.body));
        let is_first = self.reading.as_ref().is_none_or(|reading| reading.pages == 0);
        match &trouble {
            Trouble::Failing { .. } => return self.try_again(now, trouble, LATE.contains(&status)),
            // A link that was good a moment ago has become too old.
            Trouble::Refused { .. } if !is_first => self.pace.failed(now.steady),
            _ => {
                self.token = None;
                self.pace.needs_a_person(now.steady);
            }
        }
        self.give_up(now);
        Got::Trouble(trouble)
    }

    /// The same page once more, later; or its window from the start, with smaller pages where that may help.
    fn try_again(&mut self, now: Now, trouble: Trouble, is_too_much: bool) -> Got {
        self.pace.failed(now.steady);
        self.tries += 1;
        if is_too_much && self.page_rows > PAGE_ROWS_MIN {
            self.page_rows = (self.page_rows / 2).max(PAGE_ROWS_MIN);
            self.give_up(now);
        } else if self.tries >= TRIES_MAX {
            self.give_up(now);
        }
        Got::Trouble(trouble)
    }

    fn give_up(&mut self, now: Now) {
        self.tries = 0;
        if let Some(reading) = self.reading.take() {
            self.plan.failed(reading.window, now.steady);
        }
    }

    fn rest(&mut self, now: Now, trouble: &Trouble) {
        if trouble.needs_a_person() {
            self.pace.needs_a_person(now.steady);
        } else {
            self.pace.failed(now.steady);
        }
    }

    fn page(&mut self, now: Now, body: &[u8]) -> Got {
        let host = self.graph.host().to_owned();
        let Some(mut page) = graph::page(body) else {
            return self.try_again(now, Trouble::Nonsense { host }, false);
        };
        let Some(reading) = &mut self.reading else { return Got::Again };
        let next = match page.next.as_deref().map(|link| self.graph.path_of(link)) {
            None => None,
            Some(Some(path)) if path.len() <= LINK_BYTES_MAX => Some(graph::escaped(path)),
            Some(_) => return self.lost_way(now, Trouble::Elsewhere { host }),
        };
        if next.as_ref().is_some_and(|path| !reading.links.insert(xxh3_64(path.as_bytes())))
            || reading.pages >= PAGES_MAX
        {
            return self.lost_way(now, Trouble::Circle { host });
        }
        self.pace.is_well();
        (self.tries, self.is_renewed) = (0, false);
        let count = page.rows.len() as u64 + page.unreadable;
        let oldest = (reading.window.start - OLDER_S).saturating_mul(MICROS_PER_SECOND);
        page.rows.retain(|row| row.received >= oldest);
        page.unreadable = count - page.rows.len() as u64;
        reading.pages += 1;
        reading.rows += count;
        let is_cut = next.is_none() && count >= reading.page_rows;
        let is_much = next.is_some() && reading.rows > WINDOW_ROWS_MAX;
        reading.after = next.map_or(After::End, After::Next);
        if is_cut || is_much {
            let window = reading.window;
            if self.plan.split(window, if is_much { PARTS } else { 2 }, now.steady) {
                reading.after = After::Anew;
            } else if is_cut {
                self.news.push(News::Truncated { window });
            }
        }
        Got::Rows { rows: page.rows, unreadable: page.unreadable }
    }

    /// Its pages lead nowhere: no rows of this one are taken, as nobody knows what they are a page of.
    fn lost_way(&mut self, now: Now, trouble: Trouble) -> Got {
        self.pace.needs_a_person(now.steady);
        self.give_up(now);
        Got::Trouble(trouble)
    }

    /// Rows that were received before this second do not come again.
    pub(crate) fn forgets_before(&self) -> i64 {
        self.durable().map_or(i64::MIN, |durable| durable - 2 * OLDER_S)
    }

    /// The rows of the last page are in the spool and on disk. `true` when a sweep's window was read to its end.
    pub(crate) fn stored(&mut self, now: Now) -> bool {
        let Some(mut reading) = self.reading.take() else { return false };
        match std::mem::replace(&mut reading.after, After::Anew) {
            After::Next(path) => {
                reading.path = path;
                self.reading = Some(reading);
                false
            }
            After::Anew => false,
            After::End => {
                self.plan.is_read(reading.window, reading.asked, reading.pages, now.steady);
                self.page_rows = (self.page_rows * 2).min(self.page_rows_max);
                reading.window.kind == Kind::Sweep
            }
        }
    }
}

fn is_trace_app_missing(answer: &Answer) -> bool {
    matches!(Trouble::of_graph("", 401, &graph::problem(&answer.body)), Trouble::NoTraceApp { .. })
}

impl Reading {
    fn new(window: Window, asked: i64, page_rows: u64) -> Self {
        let path = graph::first_page(window, page_rows);
        Reading {
            window,
            asked,
            links: HashSet::from([xxh3_64(path.as_bytes())]),
            path,
            pages: 0,
            rows: 0,
            page_rows,
            after: After::Anew,
        }
    }
}

impl std::fmt::Display for News {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let time = |seconds: i64| iso(seconds.saturating_mul(MICROS_PER_SECOND));
        match self {
            News::Gone { from, to } => write!(
                formatter,
                "what was received from {} to {} was not read in time, and Microsoft no longer has it; an export of that time, if there is one, can be imported",
                time(*from),
                time(*to)
            ),
            News::Truncated { window } => write!(
                formatter,
                "of what was received from {} to {} Microsoft gives as many rows as a page may have and no next page; some may be missing",
                time(window.start),
                time(window.end)
            ),
        }
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
