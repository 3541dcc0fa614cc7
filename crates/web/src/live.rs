//! `/live`: server-sent events that tell a page when to look again, and what every page must say.
//!
//! A page does not get its figures here: it asks for itself again, as a browser would, and takes over what is marked as live. So what is
//! seen live is what a reload shows, and a reader who is slow misses nothing but haste.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;

use crate::asked::Asked;
use crate::layout::notices;
use crate::router::App;

/// Pages that follow at one time.
const WATCHERS_MAX: usize = 1_000;
/// A line that says nothing goes out this often, so that proxies keep the connection and a reader that is gone is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// What a browser waits before it comes again, once the connection is lost.
const RETRY: Duration = Duration::from_secs(2);

/// How many follow.
#[derive(Clone, Default)]
pub struct Watchers(Arc<AtomicUsize>);

/// One of them, until it is dropped.
struct Watcher(Watchers);

impl Watchers {
    fn one_more(&self) -> Option<Watcher> {
        let added = self
            .0
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |count| (count < WATCHERS_MAX).then_some(count + 1));
        added.ok().map(|_| Watcher(self.clone()))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// `event: notices` with markup when what every page says has changed; `event: commit` when figures may have.
pub async fn events(State(app): State<App>, asked: Asked) -> Response {
    let Some(watcher) = app.watchers.one_more() else {
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "30")], "Too many pages follow already.\n")
            .into_response();
    };
    let reader = asked.reader;
    let mut told = None;
    let backend = app.backend.clone();
    let events = app.backend.beats().flat_map(move |beat| {
        let _ = &watcher;
        let silent = backend.silent();
        let mut events = vec![Event::default().event("commit").data(beat.to_string())];
        if told.as_ref() != Some(&silent) {
            events.push(Event::default().event("notices").data(notices(&reader, &silent).into_string()));
            told = Some(silent);
        }
        futures::stream::iter(events.into_iter().map(Ok::<_, Infallible>))
    });
    let begin = futures::stream::iter([Ok(Event::default().retry(RETRY).comment("vigie"))]);
    let mut response = Sse::new(begin.chain(events)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    // Proxies that gather an answer before they pass it on would hold events back.
    response.headers_mut().insert("x-accel-buffering", header::HeaderValue::from_static("no"));
    response
}
