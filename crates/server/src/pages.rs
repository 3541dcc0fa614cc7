//! The pages' door to the store: each question of `vigie-web` answered from the lake.
//!
//! The lake's calls block, so each answer is computed on a thread that may wait. Answers of the overview are remembered until
//! the store changes: a page that is looked at by many is computed once.

mod coverage;
mod message;
mod overview;
mod question;
mod queues;
mod search;
mod servers;
mod sources;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use futures::StreamExt;

use crate::stop;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::watch;
use vigie_engine::{
    import::Store,
    ingest::{Condition, Ingest},
};
use vigie_i18n::Lang;
use vigie_lake::{LakeError, Snapshot, Table, TableSize};
use vigie_model::{MICROS_PER_HOUR, Micros};
use vigie_shipping::Counters;
use vigie_web::backend::{
    Answer, Backend, Beats, Coverage, Dimension, Failure, Message, Overview, PageRequest, Period, Queues, Ranking,
    RejectionPage, Scope, SearchPage, ServerTable, SilentSource, Sources, Span,
};

/// Overviews remembered; a few dozen periods and filters are in use at a time.
const REMEMBERED_MAX: usize = 64;
/// A store whose newest line is older than this is a look back, not a watch.
const LOOK_BACK_MICROS: Micros = 48 * MICROS_PER_HOUR;

/// Between two looks for a new commit.
const READY_PAUSE: Duration = Duration::from_secs(2);
/// Pages that follow are told of a change this often at most.
const BEAT_PAUSE: Duration = Duration::from_millis(500);
/// And at least: what is late shows itself by nothing happening.
const BEAT_AT_LEAST: Duration = Duration::from_secs(5);

const DAY_MICROS: Micros = 24 * MICROS_PER_HOUR;

/// What machines are told beside the pages.
pub struct Figures {
    pub tables: Vec<TableSize>,
    /// `None`: lines are not taken here.
    pub condition: Option<Condition>,
    pub sources: Sources,
    pub queues: Queues,
    /// Of each door by which lines come in.
    pub doors: Vec<Arc<Counters>>,
}

/// Answers from one store.
pub struct Pages {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    data: PathBuf,
    /// What stores lines as they come, and since when.
    ingest: OnceLock<(Arc<Ingest>, Micros)>,
    /// What the doors for collectors and other shippers count.
    doors: Mutex<Vec<Arc<Counters>>>,
    changed: watch::Sender<u64>,
    silent: Mutex<Vec<SilentSource>>,
    overviews: Mutex<HashMap<String, Overview>>,
    /// Times of the oldest and the newest stored line, as of the last answer.
    first_line: AtomicI64,
    last_line: AtomicI64,
}

impl Pages {
    pub fn open(data: &Path) -> anyhow::Result<Self> {
        let store = crate::commands::existing_store(data)?;
        let inner = Inner {
            store,
            data: data.to_owned(),
            ingest: OnceLock::new(),
            doors: Mutex::default(),
            changed: watch::Sender::new(0),
            silent: Mutex::default(),
            overviews: Mutex::default(),
            first_line: AtomicI64::new(0),
            last_line: AtomicI64::new(0),
        };
        inner.note_last_line(&inner.store.lake.snapshot()?);
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The store that is asked.
    pub fn store(&self) -> Store {
        self.inner.store.clone()
    }

    /// Lines come now, and this stores them: pages tell how it is.
    pub fn watch(&self, ingest: Arc<Ingest>) {
        let _ = self.inner.ingest.set((ingest, sources::now()));
    }

    /// Lines come in there: what is counted is told, too.
    pub fn watch_door(&self, counters: Arc<Counters>) {
        self.inner.doors.lock().unwrap_or_else(PoisonError::into_inner).push(counters);
    }

    /// Can the store be read, and what comes be stored? If not, why.
    pub fn readiness(&self) -> Result<(), String> {
        self.inner.store.lake.snapshot().map_err(|error| error.to_string())?;
        let trouble = self.inner.ingest.get().and_then(|(ingest, _)| ingest.condition().trouble);
        trouble.map_or(Ok(()), |trouble| Err(format!("lines cannot be stored: {trouble}")))
    }

    /// For machines; may wait.
    pub fn figures(&self) -> Result<Figures, String> {
        let inner = &self.inner;
        let snapshot = inner.store.lake.snapshot().map_err(|error| error.to_string())?;
        let failed = |failure: Failure| format!("{failure:?}");
        let scope = Scope { q: String::new(), period: Period::All, zone: TimeZone::UTC, lang: Lang::En };
        Ok(Figures {
            tables: snapshot.sizes(),
            condition: inner.ingest.get().map(|(ingest, _)| ingest.condition()),
            sources: inner.sources(&snapshot).map_err(failed)?,
            queues: queues::queues(&scope, &snapshot).map_err(failed)?,
            doors: inner.doors.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        })
    }

    /// Called with each change of the store: pages that follow look again.
    pub fn on_change(&self) -> impl Fn() + Send + Sync + 'static {
        let inner = self.inner.clone();
        move || inner.changed.send_modify(|count| *count += 1)
    }

    /// Computes what the first page needs before somebody asks for it, and again after each commit.
    pub fn stay_ready(&self) {
        let inner = self.inner.clone();
        std::thread::spawn(move || {
            let mut ready = None;
            loop {
                let prepared = inner.store.lake.snapshot().and_then(|snapshot| {
                    if ready != Some(snapshot.sequence()) {
                        snapshot.prepare_summaries()?;
                    }
                    Ok(snapshot.sequence())
                });
                inner.look_for_silence();
                match prepared {
                    Ok(sequence) if ready != Some(sequence) => {
                        ready = Some(sequence);
                        inner.changed.send_modify(|count| *count += 1);
                    }
                    Ok(_) => {}
                    Err(error) => tracing::debug!(%error, "the first page could not be prepared"),
                }
                std::thread::sleep(READY_PAUSE);
            }
        });
    }

    /// Computes an answer where it may wait.
    fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner, &Snapshot) -> Result<T, Failure> + Send + 'static,
    ) -> Answer<'_, T> {
        let inner = self.inner.clone();
        Box::pin(async move {
            let answer = tokio::task::spawn_blocking(move || {
                let snapshot = inner.store.lake.snapshot().map_err(|error| failure(error, ""))?;
                inner.note_last_line(&snapshot);
                work(&inner, &snapshot)
            });
            answer.await.unwrap_or_else(|error| {
                let reference = format!("{:x}", Timestamp::now().as_millisecond());
                tracing::error!(%reference, %error, "an answer could not be computed");
                Err(Failure::Internal { what: "the answer could not be computed".to_owned(), reference })
            })
        })
    }
}

impl Backend for Pages {
    fn overview<'a>(&'a self, scope: &'a Scope) -> Answer<'a, Overview> {
        let scope = scope.clone();
        self.ask(move |inner, snapshot| inner.overview(&scope, snapshot))
    }

    fn search<'a>(&'a self, scope: &'a Scope, page: &'a PageRequest) -> Answer<'a, SearchPage> {
        let (scope, page) = (scope.clone(), page.clone());
        self.ask(move |_, snapshot| search::search(&scope, &page, snapshot))
    }

    fn message<'a>(&'a self, id: &'a str) -> Answer<'a, Option<Message>> {
        let id = id.to_owned();
        self.ask(move |_, snapshot| message::message(&id, snapshot))
    }

    fn coverage<'a>(&'a self, scope: &'a Scope) -> Answer<'a, Coverage> {
        let scope = scope.clone();
        self.ask(move |inner, snapshot| coverage::coverage(&scope, &inner.store, snapshot))
    }

    fn servers<'a>(&'a self, scope: &'a Scope) -> Answer<'a, ServerTable> {
        let scope = scope.clone();
        self.ask(move |_, snapshot| servers::servers(&scope, snapshot))
    }

    fn rejections<'a>(&'a self, scope: &'a Scope, page: &'a PageRequest) -> Answer<'a, RejectionPage> {
        let (scope, page) = (scope.clone(), page.clone());
        self.ask(move |_, snapshot| search::rejections(&scope, &page, snapshot))
    }

    fn queues<'a>(&'a self, scope: &'a Scope) -> Answer<'a, Queues> {
        let scope = scope.clone();
        self.ask(move |_, snapshot| queues::queues(&scope, snapshot))
    }

    fn sources<'a>(&'a self, _scope: &'a Scope) -> Answer<'a, Sources> {
        self.ask(move |inner, snapshot| inner.sources(snapshot))
    }

    fn beats(&self) -> Beats {
        let beats = futures::stream::unfold(self.inner.changed.subscribe(), |mut changed| async move {
            tokio::time::sleep(BEAT_PAUSE).await;
            let _ = tokio::time::timeout(BEAT_AT_LEAST, changed.changed()).await;
            let beat = *changed.borrow_and_update();
            Some((beat, changed))
        });
        Box::pin(beats.take_until(stop::wait()))
    }

    fn silent(&self) -> Vec<SilentSource> {
        self.inner.silent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn ranking<'a>(&'a self, scope: &'a Scope, by: Dimension) -> Answer<'a, Ranking> {
        let scope = scope.clone();
        self.ask(move |_, snapshot| overview::long_ranking(&scope, by, snapshot))
    }

    fn default_period(&self) -> Period {
        let now = Timestamp::now().as_microsecond();
        let (first, last) =
            (self.inner.first_line.load(Ordering::Relaxed), self.inner.last_line.load(Ordering::Relaxed));
        // Old logs, and logs of less than a day, are best seen whole.
        if now - last < LOOK_BACK_MICROS && now - first > DAY_MICROS { Period::Last { hours: 24 } } else { Period::All }
    }
}

impl Inner {
    fn note_last_line(&self, snapshot: &Snapshot) {
        if let Some((first, last)) = stored(snapshot) {
            self.first_line.store(first, Ordering::Relaxed);
            self.last_line.store(last, Ordering::Relaxed);
        }
    }

    fn sources(&self, snapshot: &Snapshot) -> Result<Sources, Failure> {
        let (ingest, taking_since) = self.ingest.get().map_or((None, 0), |(ingest, since)| (Some(&**ingest), *since));
        sources::sources(&sources::View { data: &self.data, ingest, taking_since, now: sources::now() }, snapshot)
    }

    /// Notes which sources should bring lines and do not.
    fn look_for_silence(&self) {
        if self.ingest.get().is_none() {
            return;
        }
        let looked = self.store.lake.snapshot().map_err(|error| failure(error, ""));
        match looked.and_then(|snapshot| self.sources(&snapshot)) {
            Ok(found) => *self.silent.lock().unwrap_or_else(PoisonError::into_inner) = sources::silent(&found),
            Err(error) => tracing::debug!(?error, "the sources could not be looked at"),
        }
    }

    fn overview(&self, scope: &Scope, snapshot: &Snapshot) -> Result<Overview, Failure> {
        let minute = Timestamp::now().as_second() / 60;
        let relative = matches!(scope.period, Period::Last { .. }) || !scope.q.is_empty();
        let key = format!(
            "{}|{}|{}|{:?}|{}",
            snapshot.sequence(),
            scope.period,
            scope.zone.iana_name().unwrap_or("-"),
            scope.q,
            if relative { minute } else { 0 }
        );
        if let Some(known) = self.overviews.lock().ok().and_then(|overviews| overviews.get(&key).cloned()) {
            return Ok(known);
        }
        let overview = overview::overview(scope, snapshot)?;
        if let Ok(mut overviews) = self.overviews.lock() {
            if overviews.len() >= REMEMBERED_MAX {
                overviews.clear();
            }
            overviews.insert(key, overview.clone());
        }
        Ok(overview)
    }
}

/// First and last time of the stored lines.
fn stored(snapshot: &Snapshot) -> Option<(Micros, Micros)> {
    snapshot.extent(Table::Lines).map(|range| (range.start, range.end))
}

fn stored_span(snapshot: &Snapshot) -> Option<Span> {
    stored(snapshot).map(|(from, until)| span(from, until + 1))
}

fn timestamp(ts: Micros) -> Timestamp {
    Timestamp::from_microsecond(ts).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn span(from: Micros, until: Micros) -> Span {
    Span { from: timestamp(from), until: timestamp(until) }
}

/// What a question that was asked beside others came to.
fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// What a page says when the lake cannot answer.
fn failure(error: LakeError, q: &str) -> Failure {
    match error {
        LakeError::Cursor => Failure::Cursor,
        LakeError::Unanswerable { message, hint } => Failure::Filter(vec![vigie_web::backend::Problem {
            span: 0..q.len(),
            message,
            hint: Some(hint.to_owned()),
        }]),
        error => {
            let hint = error.hint().unwrap_or("look into the log of the server").to_owned();
            tracing::error!(error = &error as &dyn std::error::Error, "the store did not answer");
            Failure::Unavailable { what: error.to_string(), hint }
        }
    }
}

/// Empty text is no text.
fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
