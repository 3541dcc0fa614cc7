//! What every answer and every request must have: security headers, and a host name that is ours.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::router::App;

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Which `Host` headers are answered.
///
/// A page on the internet can make its own name resolve to 127.0.0.1 (DNS rebinding), and would then read mail data
/// with the browser of the person in front of this machine. Its name in `Host` gives it away.
#[derive(Debug, Clone, Default)]
pub enum AllowedHosts {
    /// `localhost` and the loopback addresses, any port: right while the server listens on loopback only.
    #[default]
    Loopback,
    /// These names, any port; and loopback.
    Names(Vec<String>),
    /// A proxy in front has checked it.
    Any,
}

impl AllowedHosts {
    fn allows(&self, host: &str) -> bool {
        let name = without_port(host);
        let loopback = ["localhost", "127.0.0.1", "[::1]"].contains(&name);
        match self {
            AllowedHosts::Loopback => loopback,
            AllowedHosts::Names(names) => loopback || names.iter().any(|ours| ours.eq_ignore_ascii_case(name)),
            AllowedHosts::Any => true,
        }
    }
}

/// Refuses foreign hosts, and puts the security headers on every answer.
pub async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = if app.settings.hosts.allows(host(&request)) {
        next.run(request).await
    } else {
        let text = "This server does not answer to that host name. If the name is right, add it to the allowed hosts in the configuration.\n";
        (StatusCode::MISDIRECTED_REQUEST, text).into_response()
    };
    add_security_headers(response.headers_mut());
    response
}

fn host(request: &Request) -> &str {
    let header = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    header.or_else(|| request.uri().host()).unwrap_or_default()
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

fn add_security_headers(headers: &mut HeaderMap) {
    let all = [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Addresses hold filters with names of people: they leave with no request.
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in all {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_points_to_loopback_is_not_loopback() {
        for host in
            ["evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.nip.io", "", "localhost:80:80x"]
        {
            assert!(!AllowedHosts::Loopback.allows(host), "{host}");
        }
        for host in ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]", "[::1]:8080"] {
            assert!(AllowedHosts::Loopback.allows(host), "{host}");
        }
    }

    #[test]
    fn configured_names_are_answered_in_any_case() {
        let hosts = AllowedHosts::Names(vec!["vigie.example.org".into()]);
        assert!(hosts.allows("VIGIE.example.org:443") && !hosts.allows("other.example.org"));
    }
}
