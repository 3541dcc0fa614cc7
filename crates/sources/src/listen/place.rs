//! Where syslog is taken, as a person writes it: `tcp 0.0.0.0:514` or `tcp://0.0.0.0:514`.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

/// How messages come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Datagrams.
    Udp,
    /// Connections in the clear.
    Tcp,
    /// Connections within TLS.
    Tls,
}

/// A protocol and an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenPlace {
    /// How messages come.
    pub protocol: Protocol,
    /// Where; port 0 lets the system choose.
    pub address: SocketAddr,
}

/// Not a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write `udp`, `tcp` or `tls`, and an address with its port, such as tcp://0.0.0.0:514 or udp://[::]:514")]
pub struct NoPlace;

impl Protocol {
    fn name(self) -> &'static str {
        match self {
            Protocol::Udp => "udp",
            Protocol::Tcp => "tcp",
            Protocol::Tls => "tls",
        }
    }
}

impl ListenPlace {
    /// Fit for the name of a folder.
    pub fn file_name(&self) -> String {
        self.to_string().replace([' ', ':', '[', ']', '%'], "-")
    }
}

impl FromStr for ListenPlace {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let (protocol, address) = text.split_once("://").or_else(|| text.split_once(' ')).ok_or(NoPlace)?;
        let known = [Protocol::Udp, Protocol::Tcp, Protocol::Tls];
        let protocol = known.into_iter().find(|known| known.name() == protocol).ok_or(NoPlace)?;
        Ok(ListenPlace { protocol, address: address.trim().parse().map_err(|_| NoPlace)? })
    }
}

impl fmt::Display for ListenPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.protocol.name(), self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_write_a_place_are_read() {
        let place: ListenPlace = "tls [::1]:6514".parse().expect("a place");
        assert_eq!("tls://[::1]:6514".parse(), Ok(place));
        assert_eq!((place.to_string().parse(), place.file_name().as_str()), (Ok(place), "tls----1--6514"));
        for wrong in
            ["", "tcp", "514", "tcp 514", "tcp://host:514", "smtp://0.0.0.0:25", "TCP 0.0.0.0:514", "udp 0.0.0.0"]
        {
            assert_eq!(wrong.parse::<ListenPlace>(), Err(NoPlace), "{wrong}");
        }
    }
}
