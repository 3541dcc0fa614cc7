//! One connection to the server: TLS, HTTP/2, and requests with JSON answers.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::CertificateError;
use rustls::pki_types::ServerName;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::trust::{self, TrustError};
use super::{Pace, ShipConfig};
use crate::bounds::{HEADER_BYTES_MAX, JSON_BYTES_MAX};
use crate::protocol::Problem;

/// A server that is gone without a word is noticed so.
const PING_TIME: Duration = Duration::from_secs(15);
const PING_ANSWER_TIME: Duration = Duration::from_secs(10);
/// Answers are small.
const WINDOW_BYTES: u32 = 64 << 10;
/// What one request holds back for the network at most: the body of a chunk stays with us until it is answered anyway.
const SEND_BUFFER_BYTES: usize = 64 << 10;

/// What ends a session.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("cannot connect to {server}: {source}")]
    Connect { server: String, source: io::Error },
    #[error("{server} does not answer")]
    Silent { server: String },
    #[error("{server} shows another key than the enrolment word names")]
    OtherKey { server: String },
    #[error("the certificate of {server} is not valid at this time")]
    Dates { server: String },
    #[error("no secure connection to {server}: {source}")]
    Tls { server: String, source: io::Error },
    #[error("the connection to the server broke: {0}")]
    Broken(String),
    #[error("the server did not answer a request in time")]
    Late,
    #[error("the server's answer makes no sense")]
    Nonsense,
    #[error("the server refuses: {}", .0.detail)]
    Refused(Box<Problem>),
}

impl Fault {
    pub(super) fn hint(&self) -> String {
        match self {
            Fault::Connect { .. } | Fault::Silent { .. } => {
                "see whether the server runs, and whether a firewall lets this machine through".into()
            }
            Fault::OtherKey { .. } => {
                "enrol again with a new word if the server was set up anew; otherwise somebody stands in between".into()
            }
            Fault::Dates { .. } => {
                "see with `date` whether this machine's clock is right; otherwise renew the server's certificate".into()
            }
            Fault::Tls { .. } => "see whether address and port are those that collectors connect to".into(),
            Fault::Broken(_) | Fault::Late => "the server may be starting again".into(),
            Fault::Nonsense => "update the older of collector and server".into(),
            Fault::Refused(problem) if problem.hint.is_empty() => "see the server's log".into(),
            Fault::Refused(problem) => problem.hint.clone(),
        }
    }
}

/// Connects to one server again and again.
pub(super) struct Dialer {
    server: String,
    host: ServerName<'static>,
    tls: TlsConnector,
    bearer: HeaderValue,
    pace: Pace,
}

/// A connection. Clones share it.
#[derive(Clone)]
pub(super) struct Link {
    requests: SendRequest<Full<Bytes>>,
    authority: Arc<str>,
    bearer: HeaderValue,
    time: Duration,
    _driver: Arc<Driver>,
}

/// Moves the bytes; ends with the last clone of the link.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Dialer {
    pub(super) fn new(config: &ShipConfig) -> Result<Self, TrustError> {
        let address = || TrustError::Address { server: config.server.clone() };
        let (host, port) = config.server.rsplit_once(':').ok_or_else(address)?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        port.parse::<u16>().map_err(|_| address())?;
        let host = ServerName::try_from(host.to_owned()).map_err(|_| address())?;
        let tls = TlsConnector::from(trust::tls(&config.enrolment, config.authorities.as_deref())?);
        let mut bearer =
            HeaderValue::from_str(&format!("Bearer {}", config.enrolment.token.text())).map_err(|_| address())?;
        bearer.set_sensitive(true);
        Ok(Dialer { server: config.server.clone(), host, tls, bearer, pace: config.pace })
    }

    pub(super) async fn dial(&self) -> Result<Link, Fault> {
        let server = || self.server.clone();
        let attempt = timeout(self.pace.connect, self.connect());
        attempt.await.unwrap_or_else(|_| Err(Fault::Silent { server: server() }))
    }

    async fn connect(&self) -> Result<Link, Fault> {
        let server = || self.server.clone();
        let socket = TcpStream::connect(&self.server).await;
        let socket = socket.map_err(|source| Fault::Connect { server: server(), source })?;
        // Requests are whole: waiting for more to send would only delay them.
        let _ = socket.set_nodelay(true);
        let tls = self.tls.connect(self.host.clone(), socket).await.map_err(|source| self.tls_fault(source))?;
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .max_send_buf_size(SEND_BUFFER_BYTES)
            .max_header_list_size(HEADER_BYTES_MAX)
            .keep_alive_interval(PING_TIME)
            .keep_alive_timeout(PING_ANSWER_TIME)
            .keep_alive_while_idle(true);
        let (requests, connection) =
            builder.handshake(TokioIo::new(tls)).await.map_err(|error| Fault::Broken(error.to_string()))?;
        // Its error reaches the requests that wait.
        let driver = Driver(tokio::spawn(async move { drop(connection.await) }));
        Ok(Link {
            requests,
            authority: self.server.as_str().into(),
            bearer: self.bearer.clone(),
            time: self.pace.request,
            _driver: Arc::new(driver),
        })
    }

    fn tls_fault(&self, source: io::Error) -> Fault {
        let server = self.server.clone();
        let inner = source.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner {
            Some(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)) => {
                Fault::OtherKey { server }
            }
            Some(rustls::Error::InvalidCertificate(
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. },
            )) => Fault::Dates { server },
            _ => Fault::Tls { server, source },
        }
    }
}

impl Link {
    /// Did it end?
    pub(super) fn is_closed(&self) -> bool {
        self.requests.is_closed()
    }

    /// Asks, and waits for the answer, `extra` longer than usual.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        path: &'static str,
        body: Bytes,
        extra: Duration,
    ) -> Result<T, Fault> {
        timeout(self.time + extra, self.exchange(path, body)).await.unwrap_or(Err(Fault::Late))
    }

    async fn exchange<T: DeserializeOwned>(&self, path: &'static str, body: Bytes) -> Result<T, Fault> {
        let broken = |error: hyper::Error| Fault::Broken(error.to_string());
        let request = hyper::Request::builder()
            .method(Method::POST)
            .uri(format!("https://{}{path}", self.authority))
            .header(AUTHORIZATION, self.bearer.clone())
            .header(CONTENT_TYPE, "application/octet-stream")
            .body(Full::from(body))
            .map_err(|error| Fault::Broken(error.to_string()))?;
        let mut requests = self.requests.clone();
        requests.ready().await.map_err(broken)?;
        let response = requests.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), JSON_BYTES_MAX).collect().await;
        let body = body.map_err(|error| Fault::Broken(error.to_string()))?.to_bytes();
        if status == StatusCode::OK {
            return serde_json::from_slice(&body).map_err(|_| Fault::Nonsense);
        }
        // A proxy in between answers in its own words.
        let mut problem: Problem = serde_json::from_slice(&body).unwrap_or_default();
        problem.status = status.as_u16();
        if problem.detail.is_empty() {
            problem.detail = format!("HTTP status {status}");
        }
        Err(Fault::Refused(Box::new(problem)))
    }
}
