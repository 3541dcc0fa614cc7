//! Where the milter listens, as a person writes it: `inet:127.0.0.1:8893`, `unix:/run/vigie/milter.sock`; also as Sendmail writes these,
//! `inet:8893@127.0.0.1` and `local:/…`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// Used when nobody says otherwise.
const PORT: u16 = 8893;

/// A socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MilterPlace {
    Inet(SocketAddr),
    Unix(PathBuf),
}

/// Not a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write inet:ADDRESS:PORT, such as inet:127.0.0.1:8893, or unix:/PATH")]
pub struct NoMilterPlace;

impl Default for MilterPlace {
    fn default() -> Self {
        MilterPlace::Inet((Ipv4Addr::LOCALHOST, PORT).into())
    }
}

impl MilterPlace {
    /// Whether others than this machine may come.
    pub fn is_open_to_others(&self) -> bool {
        matches!(self, MilterPlace::Inet(address) if !address.ip().is_loopback())
    }
}

impl FromStr for MilterPlace {
    type Err = NoMilterPlace;

    fn from_str(text: &str) -> Result<Self, NoMilterPlace> {
        let (kind, rest) = text.split_once(':').ok_or(NoMilterPlace)?;
        match kind {
            "unix" | "local" if rest.starts_with('/') => Ok(MilterPlace::Unix(rest.into())),
            "inet" | "inet6" => inet(rest).map(MilterPlace::Inet).ok_or(NoMilterPlace),
            _ => Err(NoMilterPlace),
        }
    }
}

fn inet(text: &str) -> Option<SocketAddr> {
    let local =
        |host: &str| if host == "localhost" { Some(Ipv4Addr::LOCALHOST.into()) } else { host.parse::<IpAddr>().ok() };
    if let Some((port, host)) = text.split_once('@') {
        return Some((local(host.trim_matches(['[', ']']))?, port.parse().ok()?).into());
    }
    text.parse().ok().or_else(|| {
        let (host, port) = text.rsplit_once(':')?;
        Some((local(host).filter(IpAddr::is_ipv4)?, port.parse().ok()?).into())
    })
}

impl fmt::Display for MilterPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MilterPlace::Inet(address) => write!(formatter, "inet:{address}"),
            MilterPlace::Unix(path) => write!(formatter, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postfix_and_sendmail_write_the_same_place_differently() {
        for (text, place) in [
            ("inet:127.0.0.1:8893", "inet:127.0.0.1:8893"),
            ("inet:localhost:8893", "inet:127.0.0.1:8893"),
            ("inet:8893@localhost", "inet:127.0.0.1:8893"),
            ("inet:8893@192.0.2.1", "inet:192.0.2.1:8893"),
            ("inet6:8893@[::1]", "inet:[::1]:8893"),
            ("inet:[::1]:8893", "inet:[::1]:8893"),
            ("local:/run/vigie/milter.sock", "unix:/run/vigie/milter.sock"),
            ("unix:/run/vigie/milter.sock", "unix:/run/vigie/milter.sock"),
        ] {
            let read: MilterPlace = text.parse().expect("a place");
            assert_eq!(read.to_string(), place);
            assert_eq!(place.parse(), Ok(read));
        }
        for wrong in
            ["", "inet", "inet:8893", "inet:host:1", "unix:relative", "127.0.0.1:8893", "inet:1@", "inet:x@localhost"]
        {
            assert_eq!(wrong.parse::<MilterPlace>(), Err(NoMilterPlace), "{wrong}");
        }
        assert!(!MilterPlace::default().is_open_to_others());
        assert!("inet:0.0.0.0:1".parse::<MilterPlace>().expect("a place").is_open_to_others());
    }
}
