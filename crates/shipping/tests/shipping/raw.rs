//! A client that says whatever a test wants.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use vigie_shipping::protocol::{CHUNK_PATH, Problem};
use vigie_shipping::{Chunk, Token};
use vigie_sources::StreamId;

/// Believes anybody.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// A TLS connection that believes anybody.
pub async fn tls(address: SocketAddr, protocol: &[u8]) -> std::io::Result<TlsStream<TcpStream>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap();
    let mut config = builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody)).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let socket = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect("vigie.example.org".try_into().unwrap(), socket).await
}

/// A connection over HTTP/2.
pub struct Raw(pub SendRequest<Full<Bytes>>);

pub struct Answer {
    pub status: u16,
    pub retry_after: Option<String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn problem(&self) -> Problem {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Raw {
    pub async fn connect(address: SocketAddr) -> std::io::Result<Raw> {
        let tls = tls(address, b"h2").await?;
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(tls)).await;
        let (requests, connection) = handshake.map_err(std::io::Error::other)?;
        tokio::spawn(connection);
        Ok(Raw(requests))
    }

    pub async fn post(&self, path: &str, token: &str, body: impl Into<Bytes>) -> hyper::Result<Answer> {
        self.ask("POST", path, token, body).await
    }

    pub async fn ask(&self, method: &str, path: &str, token: &str, body: impl Into<Bytes>) -> hyper::Result<Answer> {
        let request = Request::builder()
            .method(method)
            .uri(format!("https://vigie.example.org{path}"))
            .header("authorization", format!("Bearer {token}"))
            .body(Full::from(body.into()))
            .unwrap();
        let mut requests = self.0.clone();
        requests.ready().await?;
        let response = requests.send_request(request).await?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        let body = response.into_body().collect().await?.to_bytes().to_vec();
        Ok(Answer { status, retry_after, body })
    }

    pub async fn chunk(&self, token: &Token, chunk: &Chunk) -> Answer {
        self.post(CHUNK_PATH, &token.text(), encoded(chunk)).await.unwrap()
    }
}

pub fn encoded(chunk: &Chunk) -> Vec<u8> {
    chunk.encode(&mut zstd::bulk::Compressor::new(1).unwrap()).unwrap()
}

pub fn chunk(stream: u128, offset: u64, text: &str) -> Chunk {
    Chunk {
        stream: StreamId(stream),
        label: "/var/log/mail.log".into(),
        offset,
        bytes: text.as_bytes().to_vec(),
        is_last: false,
        after_loss: false,
    }
}
