//! OTLP over HTTP: `POST /v1/logs`, in protobuf or JSON, plain or with gzip (OTLP 1.x, "OTLP/HTTP").
//!
//! Answered by 200 only when all lines are durable. What may be sent again is refused by 429 or 503; a batch that comes again is known.
//! Refusals are a `google.rpc.Status` in the request's own encoding.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Method, StatusCode};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use vigie_formats::otlp::{Batch, Encoding, OtlpError};

use super::connection::stopped;
use super::handler::{Request, Response, token};
use super::{Receiver, Sender, Shared, Standing};
use crate::bounds::{BATCH_BYTES_MAX, BATCH_WAIT_MAX};
use crate::protocol::{Malformed, Reason, Refusal};

/// Where OTLP sends logs (the specification's default path).
const LOGS_PATH: &str = "/v1/logs";
const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";
/// Bytes of one step of unpacking, for which room is taken.
const STEP_BYTES: usize = 64 << 10;
/// When to send again what did not become durable in time, or came while the server stops.
const AGAIN_MS: u64 = 1000;

/// Why a request is refused: an HTTP status, and words.
struct Refused {
    status: StatusCode,
    reason: Reason,
    words: String,
    wait_ms: Option<u64>,
}

pub(super) fn is_asked(request: &Request) -> bool {
    request.uri().path() == LOGS_PATH
}

pub(super) async fn answer<R: Receiver>(
    shared: &Shared<R>,
    request: Request,
    stopping: watch::Receiver<bool>,
) -> Response {
    let encoding = header(&request, CONTENT_TYPE).and_then(encoding);
    match take(shared, request, encoding, stopping).await {
        Ok(batch) => {
            shared.counters.take(batch.lines.len());
            taken(&batch, encoding.unwrap_or(Encoding::Protobuf))
        }
        Err(refused) => {
            shared.counters.refuse(refused.reason);
            refused.response(encoding.unwrap_or(Encoding::Protobuf))
        }
    }
}

async fn take<R: Receiver>(
    shared: &Shared<R>,
    request: Request,
    encoding: Option<Encoding>,
    stopping: watch::Receiver<bool>,
) -> Result<Batch, Refused> {
    if request.method() != Method::POST {
        return Err(Refused::new(405, Reason::Unknown, "logs come by POST"));
    }
    // Before the body: who has no token cannot make us hold anything.
    let sender = token(request.headers()).and_then(|token| shared.receiver.authenticate(token));
    let sender = sender.ok_or(Refusal::Token)?;
    let encoding = encoding.ok_or_else(|| {
        Refused::new(415, Reason::Malformed, format!("the content type must be {PROTOBUF} or {JSON}"))
    })?;
    let is_packed = match header(&request, CONTENT_ENCODING) {
        None | Some("" | "identity") => false,
        Some("gzip" | "x-gzip") => true,
        Some(_) => return Err(Refused::new(415, Reason::Malformed, "the content encoding must be gzip, or none")),
    };
    let _slot = shared.batches.begin(&sender)?;
    let batch = read(shared, request.into_body(), encoding, is_packed, sender.name.clone()).await?;
    store(shared, &sender, &batch, stopping).await?;
    Ok(batch)
}

/// The batch of a body. Reading it is work of some tens of milliseconds, on a thread where it holds up nobody.
async fn read<R: Receiver>(
    shared: &Shared<R>,
    body: Incoming,
    encoding: Encoding,
    is_packed: bool,
    sender: Arc<str>,
) -> Result<Batch, Refused> {
    let held = shared.room.receive(body, "batch", BATCH_BYTES_MAX, shared.limits.body_time).await?;
    let room = shared.room.clone();
    let read = tokio::task::spawn_blocking(move || {
        // Lines are a little longer than what they are made of; names that stand in each of them are bounded by the reader.
        let unpacked;
        let (body, _room) = if is_packed {
            unpacked = unpack(&held.bytes, |bytes| room.take(bytes))?;
            (&unpacked.0[..], None)
        } else {
            (&held.bytes[..], Some(room.take(held.bytes.len())?))
        };
        Ok(Batch::read(body, encoding, &sender)?)
    });
    read.await.unwrap_or_else(|_| Err(Refused::new(500, Reason::Broken, "the batch could not be read")))
}

/// Unpacks no more than a batch may have, and holds room for it as it grows.
fn unpack<T>(packed: &[u8], take: impl Fn(usize) -> Result<T, Refusal>) -> Result<(Vec<u8>, Vec<T>), Refused> {
    let (mut bytes, mut room) = (Vec::new(), Vec::new());
    let mut decoder = MultiGzDecoder::new(packed);
    loop {
        room.push(take(STEP_BYTES)?);
        let step = (&mut decoder).take(STEP_BYTES as u64).read_to_end(&mut bytes);
        match step.map_err(|_| Refused::new(400, Reason::Malformed, "the body is no gzip, or cut off"))? {
            0 => return Ok((bytes, room)),
            _ if bytes.len() > BATCH_BYTES_MAX => {
                let max = BATCH_BYTES_MAX as u64;
                return Err(Refusal::TooLarge { what: "unpacked batch", size: bytes.len() as u64, max }.into());
            }
            _ => {}
        }
    }
}

/// Hands a batch on, and waits until it is durable.
async fn store<R: Receiver>(
    shared: &Shared<R>,
    sender: &Sender,
    batch: &Batch,
    mut stopping: watch::Receiver<bool>,
) -> Result<(), Refused> {
    if batch.taken == 0 {
        return Ok(());
    }
    // Before the first look, so that nothing can move unseen in between.
    let mut moving = shared.receiver.durable_moved();
    moving.mark_unchanged();
    let deadline = Instant::now() + BATCH_WAIT_MAX;
    while shared.receiver.batch(sender, batch)? == Standing::Taken {
        tokio::select! {
            moved = timeout_at(deadline, moving.changed()) => if !matches!(moved, Ok(Ok(()))) {
                return Err(Refusal::Busy { wait_ms: AGAIN_MS }.into());
            },
            () = stopped(&mut stopping) => return Err(Refusal::Busy { wait_ms: AGAIN_MS }.into()),
        }
    }
    Ok(())
}

fn header(request: &Request, name: HeaderName) -> Option<&str> {
    request.headers().get(name)?.to_str().ok().map(str::trim)
}

/// The encoding of a media type; parameters do not count.
fn encoding(media_type: &str) -> Option<Encoding> {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let known = [(PROTOBUF, Encoding::Protobuf), (JSON, Encoding::Json)];
    known.into_iter().find(|(known, _)| essence.eq_ignore_ascii_case(known)).map(|(_, encoding)| encoding)
}

/// An `ExportLogsServiceResponse`: empty, or with what was not taken.
fn taken(batch: &Batch, encoding: Encoding) -> Response {
    let reason = batch.rejection.map(|rejection| rejection.to_string());
    let body = match (encoding, reason) {
        (Encoding::Protobuf, None) => Vec::new(),
        (Encoding::Json, None) => b"{}".to_vec(),
        (Encoding::Protobuf, Some(reason)) => {
            let mut partial = vec![1 << 3];
            varint(batch.rejected, &mut partial);
            bytes_field(2, reason.as_bytes(), &mut partial);
            let mut body = Vec::new();
            bytes_field(1, &partial, &mut body);
            body
        }
        (Encoding::Json, Some(reason)) => {
            // 64-bit numbers are strings in protobuf's JSON.
            let partial =
                serde_json::json!({ "rejectedLogRecords": batch.rejected.to_string(), "errorMessage": reason });
            serde_json::json!({ "partialSuccess": partial }).to_string().into_bytes()
        }
    };
    response(StatusCode::OK, encoding, body)
}

impl Refused {
    fn new(status: u16, reason: Reason, words: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        Refused { status, reason, words: words.into(), wait_ms: None }
    }

    /// Its `google.rpc.Status`, with the message alone: the code is that of HTTP.
    fn response(&self, encoding: Encoding) -> Response {
        let body = match encoding {
            Encoding::Protobuf => {
                let mut body = Vec::new();
                bytes_field(2, self.words.as_bytes(), &mut body);
                body
            }
            Encoding::Json => serde_json::json!({ "message": self.words }).to_string().into_bytes(),
        };
        let mut response = response(self.status, encoding, body);
        if let Some(wait_ms) = self.wait_ms {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait_ms.div_ceil(1000).max(1)));
        }
        response
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let (status, wait_ms) = match refusal {
            // Of all statuses, shippers send again only after 429, 502, 503 and 504.
            Refusal::Slow | Refusal::Malformed(Malformed::Body) => (503, Some(AGAIN_MS)),
            _ => (refusal.status(), refusal.wait_ms()),
        };
        let hint = match refusal {
            Refusal::Token => "`vigie collectors add NAME --otlp` gives one out",
            _ => refusal.hint(),
        };
        Refused { wait_ms, ..Refused::new(status, refusal.reason(), format!("{refusal}: {hint}")) }
    }
}

impl From<OtlpError> for Refused {
    fn from(error: OtlpError) -> Self {
        let (status, reason) = match error {
            OtlpError::Damaged => (400, Reason::Malformed),
            OtlpError::Records | OtlpError::Lines => (413, Reason::TooLarge),
        };
        Refused::new(status, reason, error.to_string())
    }
}

fn response(status: StatusCode, encoding: Encoding, body: Vec<u8>) -> Response {
    let mut response = Response::new(Full::from(Bytes::from(body)));
    *response.status_mut() = status;
    let media_type = match encoding {
        Encoding::Protobuf => PROTOBUF,
        Encoding::Json => JSON,
    };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

fn bytes_field(number: u8, value: &[u8], into: &mut Vec<u8>) {
    into.push(number << 3 | 2);
    varint(value.len() as u64, into);
    into.extend_from_slice(value);
}

fn varint(mut number: u64, into: &mut Vec<u8>) {
    while number >= 0x80 {
        into.push(number as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}
