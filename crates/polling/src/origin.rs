//! Where a service is: scheme, host and port. A token goes there and nowhere else.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

const HOST_BYTES_MAX: usize = 253;

/// A scheme, a host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    is_secure: bool,
    host: String,
    port: u16,
}

/// Not an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoOrigin {
    /// It has another form.
    #[error("write https:// and a host, such as https://graph.microsoft.com")]
    Form,
    /// A secret would go through the network in the clear.
    #[error("plain http is only for this machine itself (127.0.0.1)")]
    Clear,
}

impl Origin {
    /// Over TLS, with a host that is known to be one.
    pub(crate) fn secure(host: &str) -> Self {
        Origin { is_secure: true, host: host.to_owned(), port: 443 }
    }

    /// Over TLS?
    pub fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Its name or address, that of an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&self.host)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// As the `Host` header names it.
    pub fn authority(&self) -> String {
        match (self.is_secure, self.port) {
            (true, 443) | (false, 80) => self.host.clone(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }

    /// The path of a link with its query, where the link leads to this origin.
    pub fn path_of<'a>(&self, link: &'a str) -> Option<&'a str> {
        let (start, _) = split(link)?;
        let (origin, path) = link.split_at(start);
        (origin.parse::<Origin>().ok()? == *self).then_some(path)
    }
}

/// Where the path of a link begins, and whether there is one.
fn split(link: &str) -> Option<(usize, bool)> {
    let host = link.find("://")? + 3;
    let path = link[host..].find(['/', '?', '#']).map(|at| host + at);
    Some((path.unwrap_or(link.len()), path.is_some()))
}

impl FromStr for Origin {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Self, NoOrigin> {
        let (scheme, rest) = text.split_once("://").ok_or(NoOrigin::Form)?;
        let is_secure = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(NoOrigin::Form),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                let port = port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse().ok()).flatten();
                (host, port.ok_or(NoOrigin::Form)?)
            }
            _ => (authority, if is_secure { 443 } else { 80 }),
        };
        let origin = Origin { is_secure, host: host.to_ascii_lowercase(), port };
        if !is_host(&origin.host) || port == 0 {
            return Err(NoOrigin::Form);
        }
        let is_here = origin.host().parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if is_secure || is_here { Ok(origin) } else { Err(NoOrigin::Clear) }
    }
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    !host.is_empty() && host.len() <= HOST_BYTES_MAX && host.bytes().all(is_fit)
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}", if self.is_secure { "https" } else { "http" }, self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_read_as_it_is_written() {
        for (text, written) in [
            ("https://graph.microsoft.com", "https://graph.microsoft.com"),
            ("HTTPS://Graph.Microsoft.com:443/", "https://graph.microsoft.com"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]:80", "http://[::1]"),
            ("https://[2001:db8::1]", "https://[2001:db8::1]"),
        ] {
            assert_eq!(text.parse::<Origin>().map(|origin| origin.to_string()), Ok(written.to_owned()));
        }
        let clear = ["http://graph.microsoft.com", "http://localhost:1", "http://10.0.0.1"];
        assert!(clear.into_iter().all(|text| text.parse::<Origin>() == Err(NoOrigin::Clear)));
        for wrong in [
            "",
            "graph.microsoft.com",
            "ftp://a",
            "https://",
            "https://a b",
            "https://a:0",
            "https://a:+1",
            "https://u@a",
            "https://a/b",
        ] {
            assert_eq!(wrong.parse::<Origin>(), Err(NoOrigin::Form), "{wrong}");
        }
    }

    #[test]
    fn a_link_that_leads_elsewhere_has_no_path_here() {
        let graph = Origin::secure("graph.microsoft.com");
        assert_eq!(
            graph.path_of("https://Graph.microsoft.com:443/v1.0/x?$skiptoken=a/b"),
            Some("/v1.0/x?$skiptoken=a/b")
        );
        for elsewhere in [
            "https://graph.microsoft.com.example.org/x",
            "https://graph.microsoft.com@example.org/x",
            "https://example.org/https://graph.microsoft.com/x",
            "http://graph.microsoft.com/x",
            "https://graph.microsoft.com:444/x",
            "/v1.0/x",
            "",
        ] {
            assert_eq!(graph.path_of(elsewhere), None, "{elsewhere}");
        }
    }
}
