//! The certificate that a listener shows, and whose certificates it asks for.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ResolvesServerCert, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};

/// Why a certificate or key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// There is no certificate in the text.
    #[error("there is no certificate in the PEM text of the {0}")]
    NoCertificate(&'static str),
    /// A certificate cannot be read.
    #[error("a certificate of the {0} cannot be read")]
    Certificate(&'static str, #[source] rustls::pki_types::pem::Error),
    /// The key cannot be read.
    #[error("the private key cannot be read")]
    Key(#[source] rustls::pki_types::pem::Error),
    /// The two do not belong together, or are of a kind that is not supported.
    #[error("the certificate and the key cannot be used")]
    Unusable(#[source] rustls::Error),
    /// The authority cannot be used.
    #[error("the authority for senders' certificates cannot be used")]
    Authority(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl TlsError {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            TlsError::NoCertificate(_) | TlsError::Certificate(..) => {
                "give a PEM file with `-----BEGIN CERTIFICATE-----`; `openssl x509 -in FILE -noout -text` shows what is in it"
            }
            TlsError::Key(_) => "give the unencrypted PEM file with `-----BEGIN PRIVATE KEY-----`",
            TlsError::Unusable(_) => "give the key that the first certificate of the file was made for",
            TlsError::Authority(_) => "give the authority's own certificate, not one that it signed",
        }
    }
}

/// Who may send over TLS.
#[derive(Clone, Copy, Debug)]
pub enum Senders<'a> {
    /// Everybody.
    Any,
    /// Whoever shows a certificate of an authority, given as PEM text.
    CertifiedBy(&'a [u8]),
}

/// Makes what a listener needs of PEM texts: the certificate chain, its key, and who may send.
pub fn tls_config(chain_pem: &[u8], key_pem: &[u8], senders: Senders<'_>) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = certificates(chain_pem, "listener")?;
    let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(TlsError::Key)?;
    // Named, because another crate may bring rustls a second provider.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().map_err(TlsError::Unusable)?;
    let builder = match senders {
        Senders::Any => builder.with_no_client_auth(),
        Senders::CertifiedBy(authority_pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(authority_pem, "authority")? {
                roots.add(certificate).map_err(|error| TlsError::Authority(error.into()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| TlsError::Authority(error.into()))?)
        }
    };
    Ok(Arc::new(builder.with_single_cert(chain, key).map_err(TlsError::Unusable)?))
}

/// The same for everybody, with a certificate that may change while it listens.
pub fn tls_config_of(identity: Arc<dyn ResolvesServerCert>) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(TlsError::Unusable)?.with_no_client_auth();
    Ok(Arc::new(builder.with_cert_resolver(identity)))
}

fn certificates(pem: &[u8], whose: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let certificates = read.map_err(|error| TlsError::Certificate(whose, error))?;
    if certificates.is_empty() { Err(TlsError::NoCertificate(whose)) } else { Ok(certificates) }
}
