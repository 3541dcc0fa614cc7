//! Who the server is: its certificate and key, made at its first start or the administrator's own, and read again when they are renewed.

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::dates;
use crate::enrolment::KeyPin;

/// Certificate and key that the server made for itself, in its folder.
const OWN_FILE: &str = "collect.pem";
/// Whole years that such a certificate is valid: renewing it would mean to enrol all collectors again.
const OWN_YEARS: i32 = 10;
/// Since when it is valid. Long ago, so that a collector whose clock is wrong can still report that it is.
const OWN_FROM_YEAR: i32 = 2000;
/// What a certificate and key file may hold; chains have a few kibibytes.
const PEM_BYTES_MAX: u64 = 1 << 20;

/// Why the server cannot say who it is.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The own certificate cannot be kept.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No certificate in it.
    #[error("{} holds no certificate in PEM", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// No key in it, or one of a kind that is not known.
    #[error("{} holds no private key in PEM that can be used", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// A key of another certificate.
    #[error("the key in {} does not belong to the certificate in {}", key.display(), certificate.display())]
    Mismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// A certificate could not be made.
    #[error("cannot make a certificate")]
    Make {
        /// Why.
        source: rcgen::Error,
    },
}

impl IdentityError {
    /// What to do.
    pub fn hint(&self) -> String {
        match self {
            IdentityError::Read { path, .. } => {
                format!("see with `ls -l {}` whether it is there and this user may read it", path.display())
            }
            IdentityError::Write { path, .. } => {
                format!("see whether this user may write {}, and `df`", path.display())
            }
            IdentityError::NoCertificate { .. } => {
                "give the file that has `BEGIN CERTIFICATE`, with the whole chain".into()
            }
            IdentityError::NoKey { .. } => {
                "give the file that has `BEGIN PRIVATE KEY`, without a passphrase; RSA, ECDSA or Ed25519".into()
            }
            IdentityError::Mismatch { .. } => "give the key that the certificate was asked with".into(),
            IdentityError::Make { .. } => "give a certificate and key of your own".into(),
        }
    }
}

/// The server's certificate and key. Shared: what [`reload_if_changed`](Self::reload_if_changed) finds is used for the next connection.
#[derive(Debug)]
pub struct ServerIdentity {
    certificate: PathBuf,
    key: PathBuf,
    /// Does an authority vouch for it, so that collectors need no pin?
    is_vouched: bool,
    current: RwLock<Current>,
}

#[derive(Debug)]
struct Current {
    key: Arc<CertifiedKey>,
    stamps: [Option<SystemTime>; 2],
}

impl ServerIdentity {
    /// The certificate of the server's own, from its folder; made there when there is none. Only its user can read it.
    pub fn own(folder: &Path, host: &str) -> Result<ServerIdentity, IdentityError> {
        let path = folder.join(OWN_FILE);
        if !path.exists() {
            make(&path, host)?;
        }
        Self::of(path.clone(), path, false)
    }

    /// The administrator's own files, both in PEM; one file may hold both. Collectors pin the key, unless an authority that they trust
    /// vouches for it (`is_vouched` files are given by [`vouched`](Self::vouched)).
    pub fn from_files(certificate: &Path, key: &Path) -> Result<ServerIdentity, IdentityError> {
        Self::of(certificate.to_owned(), key.to_owned(), false)
    }

    /// The same, with a certificate of an authority that collectors trust: they check the name instead of the key, which may then change
    /// at each renewal.
    pub fn vouched(certificate: &Path, key: &Path) -> Result<ServerIdentity, IdentityError> {
        Self::of(certificate.to_owned(), key.to_owned(), true)
    }

    fn of(certificate: PathBuf, key: PathBuf, is_vouched: bool) -> Result<ServerIdentity, IdentityError> {
        let current = RwLock::new(load(&certificate, &key)?);
        Ok(ServerIdentity { certificate, key, is_vouched, current })
    }

    /// What a collector is to pin: goes into the enrolment word.
    pub fn pin(&self) -> Option<KeyPin> {
        let key = self.current();
        let certificate = if self.is_vouched { None } else { key.cert.first() };
        certificate.and_then(KeyPin::of_certificate)
    }

    /// Reads the files again when one of them was written since; whether there was anything new. When they cannot be read, what was read
    /// before stays in use.
    pub fn reload_if_changed(&self) -> Result<bool, IdentityError> {
        let known = self.current.read().unwrap_or_else(PoisonError::into_inner).stamps;
        if stamps(&self.certificate, &self.key) == known {
            return Ok(false);
        }
        let fresh = load(&self.certificate, &self.key)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(true)
    }

    /// Until when the certificate is valid, to the hour; `None` when it is not valid now, or for longer than anybody plans.
    pub fn valid_until(&self) -> Option<SystemTime> {
        dates::valid_until(self.current().cert.first()?, SystemTime::now())
    }

    /// The certificates that it shows, in PEM.
    pub fn chain_pem(&self) -> String {
        const LINE_LETTERS: usize = 64;
        let mut pem = String::new();
        for certificate in &self.current().cert {
            pem.push_str("-----BEGIN CERTIFICATE-----\n");
            let text = BASE64.encode(certificate);
            for line in text.as_bytes().chunks(LINE_LETTERS) {
                pem.extend(line.iter().copied().map(char::from));
                pem.push('\n');
            }
            pem.push_str("-----END CERTIFICATE-----\n");
        }
        pem
    }

    fn current(&self) -> Arc<CertifiedKey> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).key.clone()
    }
}

impl ResolvesServerCert for ServerIdentity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

fn load(certificate: &Path, key: &Path) -> Result<Current, IdentityError> {
    // Before they are read: what is written meanwhile is found the next time.
    let stamps = stamps(certificate, key);
    let no_certificate = || IdentityError::NoCertificate { path: certificate.to_owned() };
    let no_key = || IdentityError::NoKey { path: key.to_owned() };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(certificate)?).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(no_certificate)?;
    let secret = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|_| no_key())?;
    let signer = rustls::crypto::ring::sign::any_supported_type(&secret).map_err(|_| no_key())?;
    let certified = CertifiedKey::new(chain, signer);
    certified
        .keys_match()
        .map_err(|_| IdentityError::Mismatch { certificate: certificate.to_owned(), key: key.to_owned() })?;
    Ok(Current { key: Arc::new(certified), stamps })
}

fn read(path: &Path) -> Result<Vec<u8>, IdentityError> {
    use io::Read;
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(PEM_BYTES_MAX).read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|source| IdentityError::Read { path: path.to_owned(), source })
}

fn stamps(certificate: &Path, key: &Path) -> [Option<SystemTime>; 2] {
    [certificate, key].map(|path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok())
}

fn make(path: &Path, host: &str) -> Result<(), IdentityError> {
    let pem = own_pem(host).map_err(|source| IdentityError::Make { source })?;
    keep_secret(path, pem.as_bytes()).map_err(|source| IdentityError::Write { path: path.to_owned(), source })
}

fn own_pem(host: &str) -> Result<String, rcgen::Error> {
    let key = rcgen::KeyPair::generate()?;
    let mut certificate = rcgen::CertificateParams::new(vec![host.to_owned()])?;
    certificate.distinguished_name.push(rcgen::DnType::CommonName, host);
    certificate.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    certificate.not_before = rcgen::date_time_ymd(OWN_FROM_YEAR, 1, 1);
    certificate.not_after = rcgen::date_time_ymd(this_year() + OWN_YEARS, 1, 1);
    let signed = certificate.self_signed(&key)?;
    Ok(format!("{}{}", signed.pem(), key.serialize_pem()))
}

/// Near enough: leap days put it off by less than a day.
fn this_year() -> i32 {
    const SECONDS_OF_YEAR: u64 = 31_556_952;
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    1970 + i32::try_from(since.as_secs() / SECONDS_OF_YEAR).unwrap_or(0)
}

/// Writes a file that only this user can read, whole or not at all. One that another process made meanwhile stays: that may be the
/// server, and have told its key to somebody.
fn keep_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // The standard library's keys for hash maps are random.
    let fresh = path.with_extension(format!("{:016x}.new", RandomState::new().hash_one(std::process::id())));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    // Unlike a rename, a link takes nobody's place.
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| std::fs::hard_link(&fresh, path));
    let _ = std::fs::remove_file(&fresh);
    written.or_else(|error| if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) })
}
