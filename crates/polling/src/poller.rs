//! Does what [`Poll`] decides: asks, spools, keeps.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use vigie_formats::transcript::microsoft365;
use vigie_model::MICROS_PER_SECOND;
use vigie_sources::FeedEvent;
use vigie_sources::spool::{Block, Spool};

use crate::condition::Standing;
use crate::graph::{self, GraphRow};
use crate::http::{Http, Request};
use crate::journal::{Journal, Kept};
use crate::plan::{Kind, Window};
use crate::poll::{Got, News, Poll, Step};
use crate::secret::Secret;
use crate::seen::{Mark, ROWS_MAX, Seen};
use crate::tenant::Tenant;
use crate::token;
use crate::trouble::Trouble;

/// Between two looks whether a full spool has room.
const FULL_WAIT: Duration = Duration::from_millis(500);
const WHY_UNREADABLE: &str = "have no time, or one that was not asked for";
/// What a doctor asks for: the last day.
const EXAMINED_S: i64 = 86_400;

/// What time it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Seconds since 1970 UTC, by this machine's clock.
    pub wall: i64,
    /// Since some moment; never goes back.
    pub steady: Duration,
}

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Now;
}

/// This machine's clock.
#[derive(Debug)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed());
        Now { wall, steady: self.0.elapsed() }
    }
}

/// Why a poller cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum PollerError {
    /// What it keeps cannot be opened.
    #[error("cannot open {}: {source}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl PollerError {
    /// What to do.
    pub fn hint(&self) -> String {
        let PollerError::State { path, .. } = self;
        format!("see with `ls -l {0}` and `df {0}` whether this user may write it", path.display())
    }
}

/// Reads one tenant's message trace into a spool.
pub struct Poller {
    tenant: Tenant,
    http: Http,
    clock: Arc<dyn Clock>,
    spool: Spool,
    journal: Journal,
    seen: Seen,
    poll: Poll,
    standing: Standing,
    /// What was told last, so that it is told once.
    told: Option<String>,
    /// A sync failed: what is on disk is not known, and nothing more is kept until the next start, which reads it again.
    is_unsynced: bool,
    kept_durable: Option<i64>,
}

impl Poller {
    /// Goes on from what is kept in `state`. `seed` is for the jitter between attempts.
    pub fn open(
        tenant: Tenant,
        state: &Path,
        spool: Spool,
        http: Http,
        clock: Arc<dyn Clock>,
        seed: u64,
    ) -> Result<Poller, PollerError> {
        let failed = |source| PollerError::State { path: state.to_owned(), source };
        let (journal, Kept { seen, durable, torn_bytes }) = Journal::open(state, ROWS_MAX).map_err(failed)?;
        let standing = Standing::default();
        standing.change(|standing| {
            standing.label = tenant.label();
            standing.why_unreadable = WHY_UNREADABLE.to_owned();
            standing.durable_us = micros(durable);
        });
        let poll = Poll::new(&tenant, durable, seed);
        let poller = Poller {
            tenant,
            http,
            clock,
            spool,
            journal,
            seen,
            poll,
            standing,
            told: None,
            is_unsynced: false,
            kept_durable: durable,
        };
        if torn_bytes > 0 {
            let state = state.display();
            poller
                .tell(format!("the last {torn_bytes} bytes of {state} were cut off; their rows are read again"), false);
        }
        Ok(poller)
    }

    /// How it stands, also while it runs.
    pub fn standing(&self) -> Standing {
        self.standing.clone()
    }

    /// Reads until `shutdown` is there. It may be dropped at any moment.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) {
        tokio::select! {
            () = shutdown => {}
            () = self.read() => {}
        }
    }

    async fn read(&mut self) {
        loop {
            let now = self.clock.now();
            match self.poll.step(now, self.seen.floor()) {
                Step::Wait(until) => {
                    let wait = until.saturating_sub(now.steady);
                    self.standing.change(|standing| standing.next_us = in_micros(now.wall, wait));
                    tokio::time::sleep(wait).await;
                }
                Step::Token => self.ask_for_token().await,
                Step::Page(path) => self.ask_for_page(&path).await,
            }
            for news in self.poll.news() {
                self.tell(news.to_string(), matches!(news, News::Gone { .. }));
            }
        }
    }

    async fn ask_for_token(&mut self) {
        let secret = Secret::read(&self.tenant.secret_file);
        let trouble = match secret {
            Err(error) => Some(self.poll.no_secret(self.clock.now(), error)),
            Ok(secret) => {
                let form = token::form(&self.tenant, &secret);
                let request = Request::Post { path: &token::path(&self.tenant), form };
                let answer = self.http.ask(&self.tenant.login, request).await;
                self.poll.token_answered(self.clock.now(), answer)
            }
        };
        if let Some(trouble) = trouble {
            self.troubled(&trouble);
        }
    }

    async fn ask_for_page(&mut self, path: &str) {
        let token = self.poll.token().unwrap_or_default();
        let answer = self.http.ask(&self.tenant.graph, Request::Get { path, token }).await;
        self.standing.change(|standing| standing.requests += 1);
        match self.poll.page_answered(self.clock.now(), answer) {
            Got::Again => {}
            Got::Trouble(trouble) => self.troubled(&trouble),
            Got::Rows { rows, unreadable } => self.store(&rows, unreadable).await,
        }
    }

    /// Spools what is new, brings it to disk, and only then lets it count as read.
    async fn store(&mut self, rows: &[GraphRow], unreadable: u64) {
        let marks = self.spool_news(rows).await;
        if !marks.is_empty() && !self.sync().await {
            self.is_unsynced = true;
        }
        let now = self.clock.now();
        if self.poll.stored(now) {
            self.seen.forget_before(self.poll.forgets_before());
        }
        self.standing.change(|standing| {
            standing.read_us = in_micros(now.wall, Duration::ZERO);
            standing.rows += rows.len() as u64;
            standing.lines += marks.len() as u64;
            standing.unreadable += unreadable;
            standing.durable_us = micros(self.poll.durable());
        });
        match self.keep(&marks) {
            Ok(()) => self.is_well(),
            Err(error) => self.troubled(&Trouble::Unkept(error.to_string())),
        }
    }

    /// Adds the lines of rows that are new or have changed to the spool; waits while it is full.
    async fn spool_news(&mut self, rows: &[GraphRow]) -> Vec<Mark> {
        let (mut marks, mut block, mut line) = (Vec::new(), Block::new(), Vec::new());
        for row in rows {
            line.clear();
            microsoft365::line(&row.row(), &mut line);
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            let mark = Mark::of(row, text);
            if self.seen.is_news(&mark) {
                block.push(text);
                // Before it is in the spool: it may stand on this page twice. Who stops before it is there forgets both.
                self.seen.add(mark);
                marks.push(mark);
            }
            if block.is_ample() {
                self.append(&block).await;
                block.clear();
            }
        }
        self.append(&block).await;
        marks
    }

    async fn append(&self, block: &Block) {
        while self.spool.append_block(block).is_err() {
            // Asked first, so that the spool counts no refusals that lose nothing.
            loop {
                tokio::time::sleep(FULL_WAIT).await;
                if self.spool.has_room(block.bytes().len() as u64) {
                    break;
                }
            }
        }
    }

    /// On a thread where it disturbs nobody.
    async fn sync(&self) -> bool {
        let spool = self.spool.clone();
        tokio::task::spawn_blocking(move || spool.sync()).await.is_ok_and(|synced| synced.is_ok())
    }

    fn keep(&mut self, marks: &[Mark]) -> io::Result<()> {
        let durable = self.poll.durable();
        if self.is_unsynced || (marks.is_empty() && durable == self.kept_durable) {
            return Ok(());
        }
        self.journal.add(marks, &self.seen, durable)?;
        self.kept_durable = durable;
        Ok(())
    }

    fn troubled(&mut self, trouble: &Trouble) {
        let text = format!("{trouble}; {}", trouble.hint());
        self.standing.change(|standing| {
            standing.failures += 1;
            standing.trouble = Some(text.clone());
        });
        // How long it takes is another number each time.
        let kind = if let Trouble::Throttled { .. } = trouble { "throttled".to_owned() } else { text.clone() };
        if self.told.as_ref() != Some(&kind) {
            self.told = Some(kind);
            self.tell(format!("{text}. Trying again; nothing is lost"), false);
        }
    }

    fn is_well(&mut self) {
        self.standing.change(|standing| standing.trouble = None);
        if self.told.take().is_some() {
            self.tell("it is read again".to_owned(), false);
        }
    }

    fn tell(&self, text: String, is_loss: bool) {
        self.spool.tell(FeedEvent::Poll { text, is_loss });
    }
}

fn micros(second: Option<i64>) -> i64 {
    second.map_or(0, |second| second.saturating_mul(MICROS_PER_SECOND))
}

fn in_micros(wall: i64, later: Duration) -> i64 {
    wall.saturating_add(later.as_secs().cast_signed()).saturating_mul(MICROS_PER_SECOND)
}

/// What a doctor found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Examined {
    /// Did the last day have any mail?
    pub has_rows: bool,
    /// By how much this machine's clock is behind Microsoft's.
    pub behind_s: i64,
}

/// Reads the secret, asks for a token and for one row of the last day.
pub async fn examine(tenant: &Tenant, http: &Http, clock: &dyn Clock) -> Result<Examined, Trouble> {
    let secret = Secret::read(&tenant.secret_file)?;
    let mut poll = Poll::new(tenant, None, 0);
    let request = Request::Post { path: &token::path(tenant), form: token::form(tenant, &secret) };
    let answer = http.ask(&tenant.login, request).await;
    if let Some(trouble) = poll.token_answered(clock.now(), answer) {
        return Err(trouble);
    }
    let end = clock.now().wall + poll.ahead_s() - 60;
    let path = graph::first_page(Window { kind: Kind::Glance, start: end - EXAMINED_S, end }, 1);
    let answer = http.ask(&tenant.graph, Request::Get { path: &path, token: poll.token().unwrap_or_default() }).await?;
    let host = || tenant.graph.host().to_owned();
    match answer.status {
        200 => {}
        429 => return Err(Trouble::Throttled { wait: answer.retry_after.unwrap_or_default() }),
        status => return Err(Trouble::of_graph(&host(), status, &graph::problem(&answer.body))),
    }
    let page = graph::page(&answer.body).ok_or_else(|| Trouble::Nonsense { host: host() })?;
    Ok(Examined { has_rows: !page.rows.is_empty(), behind_s: poll.ahead_s() })
}
