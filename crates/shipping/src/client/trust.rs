//! Whom a collector takes for its server: who has the pinned key, or whom an authority vouches for.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WantsClientCert};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::dates::{self, Dates};
use crate::enrolment::{Enrolment, KeyPin};

/// Where systems keep the certificates of the authorities: Debian, Fedora, SUSE, Alpine.
const SYSTEM_AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Why nobody can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file of authorities cannot be read.
    #[error("cannot read the authorities' certificates in {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no certificate in it.
    #[error("{} holds no authority's certificate in PEM", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The system has none.
    #[error("this system has no certificates of authorities")]
    NoSystem,
    /// TLS itself.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// The server's address.
    #[error("`{server}` is no address of a server")]
    Address {
        /// As it was given.
        server: String,
    },
}

impl TrustError {
    /// What to do.
    pub fn hint(&self) -> &'static str {
        match self {
            TrustError::Read { .. } | TrustError::Empty { .. } => {
                "give a file with `BEGIN CERTIFICATE` that this user may read"
            }
            TrustError::NoSystem => {
                "install the package ca-certificates, or name a file of certificates in the configuration"
            }
            TrustError::Tls(_) => "this should not happen; please report it",
            TrustError::Address { .. } => "give HOST:PORT, such as vigie.example.org:8026; an IPv6 address in brackets",
        }
    }
}

/// How to speak TLS with the server.
pub(super) fn tls(enrolment: &Enrolment, authorities: Option<&Path>) -> Result<Arc<ClientConfig>, TrustError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider.clone()).with_protocol_versions(&[&rustls::version::TLS13])?;
    let trusting: ConfigBuilder<ClientConfig, WantsClientCert> = match (authorities, enrolment.pin) {
        (None, None) | (Some(_), _) => builder.with_root_certificates(self::authorities(authorities)?),
        (None, Some(pin)) => {
            let verifier = Arc::new(Pinned { pin, provider });
            builder.dangerous().with_custom_certificate_verifier(verifier)
        }
    };
    let mut config = trusting.with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    // One connection that lasts: nothing to resume.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// The authorities of a file, or else those that this system trusts.
pub fn authorities(file: Option<&Path>) -> Result<RootCertStore, TrustError> {
    match file {
        Some(file) => roots(file),
        None => roots(system_authorities()?),
    }
}

fn system_authorities() -> Result<&'static Path, TrustError> {
    SYSTEM_AUTHORITIES.iter().map(Path::new).find(|path| path.exists()).ok_or(TrustError::NoSystem)
}

fn roots(path: &Path) -> Result<RootCertStore, TrustError> {
    let pem = std::fs::read(path).map_err(|source| TrustError::Read { path: path.to_owned(), source })?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).flatten());
    if roots.is_empty() { Err(TrustError::Empty { path: path.to_owned() }) } else { Ok(roots) }
}

/// Takes a certificate whose key is the pinned one and whose dates are right, whatever its names and issuer: the enrolment word says who
/// the server is, better than a name could.
struct Pinned {
    pin: KeyPin,
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for Pinned {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pinned").field("pin", &self.pin).finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if KeyPin::of_certificate(end_entity) != Some(self.pin) {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        check_dates(end_entity, now)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn check_dates(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), rustls::Error> {
    let problem = match dates::at(certificate, now) {
        Dates::Valid => return Ok(()),
        Dates::Over => CertificateError::Expired,
        Dates::NotBegun => CertificateError::NotValidYet,
        Dates::Unknown => CertificateError::BadEncoding,
    };
    Err(problem.into())
}
