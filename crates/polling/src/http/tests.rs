//! Answers of every kind, over real sockets of this machine.

use std::net::SocketAddr;

use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

const OK: &str = "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

/// Answers each connection with these bytes; gives what was asked.
async fn serve(listener: TcpListener, answer: Vec<u8>, tls: Option<TlsAcceptor>) -> String {
    let (socket, _) = listener.accept().await.expect("a connection");
    match tls {
        None => talk(socket, &answer).await,
        Some(tls) => match tls.accept(socket).await {
            Ok(stream) => talk(stream, &answer).await,
            Err(error) => error.to_string(),
        },
    }
}

async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &[u8]) -> String {
    let mut asked = vec![0; 65536];
    let read = stream.read(&mut asked).await.expect("a request");
    let _ = stream.write_all(answer).await;
    let _ = stream.shutdown().await;
    String::from_utf8_lossy(&asked[..read]).into_owned()
}

async fn bound() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

fn plain() -> Http {
    Http::new("vigie-test 1", std::iter::empty()).expect("no authority is needed")
}

async fn asked(answer: impl Into<Vec<u8>>) -> (Result<Answer, Fault>, String) {
    let (listener, address) = bound().await;
    let served = tokio::spawn(serve(listener, answer.into(), None));
    let origin = format!("http://{address}").parse().expect("an origin");
    let answer = plain().ask(&origin, Request::Get { path: "/v1.0/x?$top=1", token: "eyJ" }).await;
    (answer, served.await.expect("served"))
}

#[tokio::test]
async fn a_page_is_asked_for_with_the_token_and_answered() {
    let (answer, asked) = asked(format!("{OK}Retry-After: 7\r\nContent-Length: 5\r\n\r\nhello")).await;
    let answer = answer.expect("an answer");
    assert_eq!((answer.status, answer.body.as_slice(), answer.date), (200, &b"hello"[..], Some(784_111_777)));
    assert_eq!(answer.retry_after, Some(Duration::from_secs(7)));
    assert!(asked.starts_with("GET /v1.0/x?$top=1 HTTP/1.1\r\n"), "{asked}");
    for line in
        ["authorization: Bearer eyJ", "user-agent: vigie-test 1", "accept: application/json", "host: 127.0.0.1:"]
    {
        assert!(asked.contains(line), "{line} in {asked}");
    }
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_no_answer() {
    for body in [
        "Content-Length: 10\r\n\r\nhello",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
        "Content-Le",
    ] {
        let (answer, _) = asked(format!("{OK}{body}")).await;
        assert!(matches!(answer, Err(Fault::Broken { .. })), "{body:?}: {answer:?}");
    }
    let (answer, _) = asked("").await;
    assert!(matches!(answer, Err(Fault::Broken { .. })), "{answer:?}");
}

#[tokio::test]
async fn nonsense_and_floods_are_refused() {
    let (answer, _) = asked("SSH-2.0-OpenSSH_9.2\r\n").await;
    assert!(matches!(answer, Err(Fault::Broken { .. })), "{answer:?}");
    let (answer, _) = asked(format!("{OK}{}\r\n", "X: y\r\n".repeat(1000))).await;
    assert!(matches!(answer, Err(Fault::Broken { .. })), "{answer:?}");
    let mut flood = format!("{OK}Content-Length: {}\r\n\r\n", BODY_BYTES_MAX + 1).into_bytes();
    flood.resize(flood.len() + BODY_BYTES_MAX + 1, b'x');
    let (answer, _) = asked(flood).await;
    assert!(matches!(answer, Err(Fault::TooLarge { .. })), "{:?}", answer.map(|answer| answer.status));
}

#[tokio::test]
async fn a_redirection_is_an_answer_and_not_followed() {
    let (answer, _) = asked("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(answer.expect("an answer").status, 302);
}

#[tokio::test]
async fn who_does_not_answer_is_not_waited_for_for_ever() {
    let (listener, address) = bound().await;
    let origin = format!("http://{address}").parse().expect("an origin");
    let http = plain().patient_for(Duration::from_millis(50));
    let answer = http.ask(&origin, Request::Get { path: "/", token: "t" }).await;
    assert!(matches!(answer, Err(Fault::Late { .. })), "{answer:?}");
    drop(listener);
    let answer = http.ask(&origin, Request::Get { path: "/", token: "t" }).await;
    assert!(matches!(answer, Err(Fault::Connect { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_form_is_posted() {
    let (listener, address) = bound().await;
    let served = tokio::spawn(serve(listener, format!("{OK}Content-Length: 2\r\n\r\n{{}}").into(), None));
    let origin = format!("http://{address}").parse().expect("an origin");
    let request = Request::Post { path: "/t/oauth2/v2.0/token", form: "a=b".into() };
    assert_eq!(plain().ask(&origin, request).await.expect("an answer").status, 200);
    let asked = served.await.expect("served");
    assert!(asked.starts_with("POST /t/oauth2/v2.0/token HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("content-type: application/x-www-form-urlencoded") && asked.contains("content-length: 3"));
}

fn certificate(name: &str) -> (CertificateDer<'static>, TlsAcceptor) {
    let key = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::new(vec![name.to_owned()]).expect("a name").self_signed(&key).expect("signed");
    let der = certificate.der().clone();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let config = config.with_no_client_auth().with_single_cert(vec![der.clone()], key).expect("a certificate");
    (der, TlsAcceptor::from(Arc::new(config)))
}

/// Asks over TLS, trusting one certificate, somebody who shows another or the same.
async fn asked_over_tls(name: &str, trusts_it: bool) -> Result<Answer, Fault> {
    let (listener, address) = bound().await;
    let (shown, acceptor) = certificate(name);
    let trusted = if trusts_it { shown } else { certificate(name).0 };
    tokio::spawn(serve(listener, format!("{OK}Content-Length: 0\r\n\r\n").into(), Some(acceptor)));
    let mut roots = RootCertStore::empty();
    roots.add(trusted).expect("a certificate");
    let http = Http::with_roots("vigie", Some(roots)).expect("TLS");
    let origin = format!("https://{address}").parse().expect("an origin");
    http.ask(&origin, Request::Get { path: "/", token: "t" }).await
}

#[tokio::test]
async fn only_who_is_vouched_for_is_told_anything() {
    assert_eq!(asked_over_tls("127.0.0.1", true).await.expect("an answer").status, 200);
    assert!(matches!(asked_over_tls("127.0.0.1", false).await, Err(Fault::Tls { .. })));
    assert!(matches!(asked_over_tls("127.0.0.2", true).await, Err(Fault::Tls { .. })));
    let origin = "https://127.0.0.1:1".parse().expect("an origin");
    assert!(plain().ask(&origin, Request::Get { path: "/", token: "t" }).await.is_err());
}

#[test]
fn waits_are_seconds_or_a_date() {
    assert_eq!(waiting("120", None), Some(Duration::from_secs(120)));
    assert_eq!(waiting("Sun, 06 Nov 1994 08:50:37 GMT", Some(784_111_777)), Some(Duration::from_secs(60)));
    assert_eq!(waiting("Sun, 06 Nov 1994 08:49:00 GMT", Some(784_111_777)), Some(Duration::ZERO));
    assert_eq!(waiting("Sun, 06 Nov 1994 08:49:37 GMT", None), Some(Duration::ZERO));
    for none in ["", "soon", "-1", "1.5"] {
        assert_eq!(waiting(none, None), None, "{none}");
    }
}
