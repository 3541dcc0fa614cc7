//! One request: who asks, what comes, what is answered.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{HeaderMap, Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use super::connection::stopped;
use super::{Receiver, Sender, Shared, logs};
use crate::bounds::{CHUNK_BODY_BYTES_MAX, JSON_BYTES_MAX};
use crate::protocol::{
    CHUNK_PATH, CURRENT, Chunk, HELLO_PATH, Hello, Malformed, PATH_PREFIX, PROBLEM_TYPE, Refusal, STATUS_PATH, Status,
    StatusAnswer,
};

pub(super) type Request = hyper::Request<Incoming>;
pub(super) type Response = hyper::Response<Full<Bytes>>;

const BEARER: &str = "Bearer ";

/// What can be asked, each at its path.
#[derive(Clone, Copy)]
enum Question {
    Hello,
    Chunk,
    Status,
}

const QUESTIONS: [(&str, Question); 3] =
    [(HELLO_PATH, Question::Hello), (CHUNK_PATH, Question::Chunk), (STATUS_PATH, Question::Status)];

pub(super) async fn answer<R: Receiver>(
    shared: &Shared<R>,
    request: Request,
    stopping: watch::Receiver<bool>,
) -> Response {
    if logs::is_asked(&request) {
        return logs::answer(shared, request, stopping).await;
    }
    match try_answer(shared, request, stopping).await {
        Ok(response) => response,
        Err(refusal) => {
            shared.counters.refuse(refusal.reason());
            refused(&refusal)
        }
    }
}

async fn try_answer<R: Receiver>(
    shared: &Shared<R>,
    request: Request,
    stopping: watch::Receiver<bool>,
) -> Result<Response, Refusal> {
    let question = question(&request)?;
    // Before the body: who has no token cannot make us hold anything.
    let sender =
        token(request.headers()).and_then(|token| shared.receiver.authenticate(token)).ok_or(Refusal::Token)?;
    let _slot = shared.requests.begin(&sender)?;
    match question {
        Question::Hello => {
            let hello: Hello = json(shared, request).await?;
            hello.check()?;
            Ok(taken(&shared.receiver.hello(&sender, hello)?))
        }
        Question::Chunk => {
            let time = shared.limits.body_time;
            let held = shared.room.receive(request.into_body(), "chunk", CHUNK_BODY_BYTES_MAX, time).await?;
            let chunk = Chunk::decode(&held.bytes)?;
            let bytes = chunk.bytes.len();
            let received = shared.receiver.chunk(&sender, chunk)?;
            shared.counters.take(bytes);
            Ok(taken(&received))
        }
        Question::Status => {
            let status: Status = json(shared, request).await?;
            status.check()?;
            Ok(taken(&moved(shared, &sender, &status, stopping).await?))
        }
    }
}

fn question(request: &Request) -> Result<Question, Refusal> {
    let path = request.uri().path();
    let known = QUESTIONS.iter().find(|(known, _)| *known == path);
    if let (Some((_, question)), &Method::POST) = (known, request.method()) {
        return Ok(*question);
    }
    match other_version(path) {
        Some(asked) => Err(Refusal::Version { asked }),
        None => Err(Refusal::Unknown),
    }
}

/// The version in a path, when it is none that is spoken here.
fn other_version(path: &str) -> Option<u32> {
    let (version, _) = path.strip_prefix(PATH_PREFIX)?.split_once('/')?;
    version.parse().ok().filter(|version| *version > CURRENT)
}

pub(super) fn token(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix(BEARER)
}

async fn json<R: Receiver, T: DeserializeOwned>(shared: &Shared<R>, request: Request) -> Result<T, Refusal> {
    let held = shared.room.receive(request.into_body(), "body", JSON_BYTES_MAX, shared.limits.body_time).await?;
    serde_json::from_slice(&held.bytes).map_err(|_| Malformed::Json.into())
}

/// The answer to a status: at once when it says something new, otherwise when it does, or after the time asked for.
async fn moved<R: Receiver>(
    shared: &Shared<R>,
    sender: &Sender,
    status: &Status,
    mut stopping: watch::Receiver<bool>,
) -> Result<StatusAnswer, Refusal> {
    // Before the first look, so that nothing can move unseen in between.
    let mut moving = shared.receiver.durable_moved();
    moving.mark_unchanged();
    let wait = Duration::from_millis(status.wait_ms).min(shared.limits.status_wait);
    let deadline = tokio::time::Instant::now() + wait;
    loop {
        let answer = shared.receiver.status(sender, status)?;
        if says_more(&answer, status) {
            return Ok(answer);
        }
        tokio::select! {
            () = tokio::time::sleep_until(deadline) => return Ok(answer),
            () = stopped(&mut stopping) => return Ok(answer),
            changed = moving.changed() => if changed.is_err() { return Ok(answer) },
        }
    }
}

fn says_more(answer: &StatusAnswer, status: &Status) -> bool {
    let known = |moved: &crate::protocol::Durable| {
        status.streams.iter().any(|known| known.stream == moved.stream && known.offset >= moved.offset)
    };
    answer.durable.iter().any(|moved| !known(moved))
}

fn taken(answer: &impl Serialize) -> Response {
    let body = serde_json::to_vec(answer).unwrap_or_default();
    let mut response = Response::new(Full::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn refused(refusal: &Refusal) -> Response {
    let body = serde_json::to_vec(&refusal.problem()).unwrap_or_default();
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_TYPE));
    if let Some(wait_ms) = refusal.wait_ms() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait_ms.div_ceil(1000).max(1)));
    }
    response
}
