//! One request over one connection, with every size and time bounded.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper::header::{
    ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_TYPE, DATE, HOST, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT,
};
use hyper_util::rt::TokioIo;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use vigie_shipping::{TrustError, authorities};

use crate::civil;
use crate::origin::Origin;

/// A page of 5000 rows has two megabytes. One that has more is asked for with fewer rows.
const BODY_BYTES_MAX: usize = 8 << 20;
const HEADERS_MAX: usize = 100;
const BUFFER_BYTES_MAX: usize = 64 << 10;
const CONNECT_TIME: Duration = Duration::from_secs(15);
/// For a whole answer. A page of 5000 rows takes some seconds.
const ANSWER_TIME: Duration = Duration::from_secs(120);

/// Speaks with Microsoft, or with whoever stands in for it.
#[derive(Clone)]
pub struct Http {
    /// Without it, nobody over TLS.
    tls: Option<TlsConnector>,
    agent: HeaderValue,
    answer_time: Duration,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Http").finish_non_exhaustive()
    }
}

/// What is asked.
#[derive(Debug)]
pub enum Request<'a> {
    /// A page, with a token.
    Get {
        /// The path with its query.
        path: &'a str,
        /// The token.
        token: &'a str,
    },
    /// A form.
    Post {
        /// The path.
        path: &'a str,
        /// The form's fields, encoded.
        form: String,
    },
}

/// What was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// How long to wait before the next request.
    pub retry_after: Option<Duration>,
    /// What time it is there, in seconds since 1970.
    pub date: Option<i64>,
    /// All of the body.
    pub body: Vec<u8>,
}

/// Why there is no whole answer.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// No connection.
    #[error("cannot connect to {host}: {source}")]
    Connect {
        /// To whom.
        host: String,
        /// Why.
        source: io::Error,
    },
    /// No TLS.
    #[error("no secure connection to {host}: {source}")]
    Tls {
        /// To whom.
        host: String,
        /// Why.
        source: io::Error,
    },
    /// It took too long.
    #[error("{host} did not answer in time")]
    Late {
        /// Who.
        host: String,
    },
    /// The connection ended before the answer did.
    #[error("the answer of {host} broke off: {why}")]
    Broken {
        /// Whose.
        host: String,
        /// How.
        why: String,
    },
    /// The answer is longer than any should be.
    #[error("the answer of {host} is longer than {} MiB", BODY_BYTES_MAX >> 20)]
    TooLarge {
        /// Whose.
        host: String,
    },
}

impl Fault {
    pub(crate) fn needs_a_person(&self) -> bool {
        false
    }

    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Fault::Connect { .. } => {
                "see whether this machine may reach it (names, routes, firewall: TCP port 443 to the outside)"
            }
            Fault::Tls { .. } => {
                "see with `date` whether this machine's clock is right, and whether something in between opens TLS whose authority this system does not know"
            }
            Fault::Late { .. } | Fault::Broken { .. } | Fault::TooLarge { .. } => {
                "it is tried again, with smaller pages if need be"
            }
        }
    }
}

impl Http {
    /// Trusts whom this system trusts. Where all is on this machine and in the clear, nobody needs to be.
    pub fn new<'a>(agent: &str, mut origins: impl Iterator<Item = &'a Origin>) -> Result<Http, TrustError> {
        let roots = if origins.any(Origin::is_secure) { Some(authorities(None)?) } else { None };
        Http::with_roots(agent, roots)
    }

    /// Trusts these authorities.
    pub fn with_roots(agent: &str, roots: Option<RootCertStore>) -> Result<Http, TrustError> {
        let tls = roots.map(|roots| {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            // TLS 1.2 as well: Microsoft's gateways in between may speak nothing newer.
            let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
            let mut config = builder.with_root_certificates(roots).with_no_client_auth();
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            config.resumption = Resumption::disabled();
            Ok::<_, TrustError>(TlsConnector::from(Arc::new(config)))
        });
        let agent = HeaderValue::from_str(agent).unwrap_or(HeaderValue::from_static("vigie"));
        Ok(Http { tls: tls.transpose()?, agent, answer_time: ANSWER_TIME })
    }

    /// For tests that do not want to wait.
    #[cfg(test)]
    pub(crate) fn patient_for(self, answer_time: Duration) -> Http {
        Http { answer_time, ..self }
    }

    /// Asks, and waits for the whole answer. Redirections are answers, too: nobody is followed with a token.
    pub async fn ask(&self, origin: &Origin, request: Request<'_>) -> Result<Answer, Fault> {
        let host = || origin.host().to_owned();
        let late = |_| Fault::Late { host: host() };
        let socket = timeout(CONNECT_TIME, TcpStream::connect((origin.host(), origin.port()))).await.map_err(late)?;
        let socket = socket.map_err(|source| Fault::Connect { host: host(), source })?;
        if !origin.is_secure() {
            return timeout(self.answer_time, self.exchange(origin, request, socket)).await.map_err(late)?;
        }
        let no_tls = |source| Fault::Tls { host: host(), source };
        let tls = self.tls.as_ref().ok_or_else(|| no_tls(io::Error::other("no authority is known")))?;
        let name = ServerName::try_from(host()).map_err(|error| no_tls(io::Error::other(error)))?;
        let stream = timeout(CONNECT_TIME, tls.connect(name, socket)).await.map_err(late)?.map_err(no_tls)?;
        timeout(self.answer_time, self.exchange(origin, request, stream)).await.map_err(late)?
    }

    async fn exchange<S>(&self, origin: &Origin, request: Request<'_>, stream: S) -> Result<Answer, Fault>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let broken =
            |error: &dyn std::error::Error| Fault::Broken { host: origin.host().to_owned(), why: chain(error) };
        let mut builder = http1::Builder::new();
        builder.max_headers(HEADERS_MAX).max_buf_size(BUFFER_BYTES_MAX);
        let (mut requests, connection) =
            builder.handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
        // Its error reaches the request that waits.
        let _driver = Driver(tokio::spawn(async move { drop(connection.await) }));
        let request = self.request(origin, request).map_err(|error| broken(&error))?;
        let response = requests.send_request(request).await.map_err(|error| broken(&error))?;
        let (head, body) = response.into_parts();
        let body = match Limited::new(body, BODY_BYTES_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return Err(Fault::TooLarge { host: origin.host().to_owned() });
            }
            Err(error) => return Err(broken(&*error)),
        };
        let date = header(&head.headers, &DATE).and_then(civil::of_http);
        let retry_after = header(&head.headers, &RETRY_AFTER).and_then(|text| waiting(text, date));
        Ok(Answer { status: head.status.as_u16(), retry_after, date, body: body.into() })
    }

    fn request(
        &self,
        origin: &Origin,
        request: Request<'_>,
    ) -> Result<hyper::Request<Full<Bytes>>, hyper::http::Error> {
        let builder = hyper::Request::builder()
            .header(HOST, origin.authority())
            .header(USER_AGENT, self.agent.clone())
            .header(ACCEPT, "application/json")
            .header(CONNECTION, "close");
        match request {
            Request::Get { path, token } => {
                let mut bearer = HeaderValue::from_str(&format!("Bearer {token}"))?;
                bearer.set_sensitive(true);
                builder.method("GET").uri(path).header(AUTHORIZATION, bearer).body(Full::default())
            }
            Request::Post { path, form } => builder
                .method("POST")
                .uri(path)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Full::from(form)),
        }
    }
}

/// Moves the bytes, for as long as there is an answer to wait for.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &hyper::header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Seconds, or a date (RFC 9110 10.2.3).
fn waiting(text: &str, date: Option<i64>) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let here = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed());
    let seconds = civil::of_http(text)? - date.unwrap_or_else(here);
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// hyper says the cause in the error below.
fn chain(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

#[cfg(test)]
mod tests;
