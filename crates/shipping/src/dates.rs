//! From when until when a certificate is valid.

#[cfg(feature = "server")]
use std::time::{Duration, SystemTime};

use rustls::pki_types::{CertificateDer, UnixTime};

/// How a certificate's dates are to a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dates {
    Valid,
    NotBegun,
    Over,
    /// It cannot be read.
    Unknown,
}

/// webpki looks at a certificate's dates before it looks for an issuer. It is given no issuers, so that it always ends by not finding one.
pub(crate) fn at(certificate: &CertificateDer<'_>, now: UnixTime) -> Dates {
    let Ok(certificate) = webpki::EndEntityCert::try_from(certificate) else { return Dates::Unknown };
    let usage = webpki::KeyUsage::server_auth();
    match certificate.verify_for_usage(webpki::ALL_VERIFICATION_ALGS, &[], &[], now, usage, None, None) {
        Ok(_) | Err(webpki::Error::UnknownIssuer) => Dates::Valid,
        Err(webpki::Error::CertExpired { .. }) => Dates::Over,
        Err(webpki::Error::CertNotValidYet { .. }) => Dates::NotBegun,
        Err(_) => Dates::Unknown,
    }
}

/// When it ends, to the hour, if it is valid now. The library does not give the date out, so it is asked for one time after another.
#[cfg(feature = "server")]
pub(crate) fn valid_until(certificate: &CertificateDer<'_>, now: SystemTime) -> Option<SystemTime> {
    const HOUR_S: u64 = 3_600;
    /// Fifty years.
    const HOURS_MAX: u64 = 50 * 8_766;
    let since = now.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let is_valid = |hours: u64| {
        at(certificate, UnixTime::since_unix_epoch(since + Duration::from_secs(hours * HOUR_S))) == Dates::Valid
    };
    if !is_valid(0) || is_valid(HOURS_MAX) {
        return None;
    }
    let (mut valid, mut over) = (0, HOURS_MAX);
    while over - valid > 1 {
        let middle = valid + (over - valid) / 2;
        if is_valid(middle) { valid = middle } else { over = middle }
    }
    now.checked_add(Duration::from_secs(valid * HOUR_S))
}
