//! A token for the application itself: OAuth 2.0, client credentials (RFC 6749 4.4), as the Microsoft identity platform has it.

use std::fmt;
use std::time::Duration;

use crate::graph::{Word, plain};
use crate::secret::Secret;
use crate::tenant::Tenant;

/// What an answer that does not say it is taken for.
const LIFE: Duration = Duration::from_secs(300);
const LIFE_MAX: Duration = Duration::from_secs(86_400);
/// A token is renewed so long before it ends, or half way when it lives shorter.
const RENEW_BEFORE: Duration = Duration::from_secs(300);
const TOKEN_BYTES_MAX: usize = 32 << 10;

/// A token. It shows itself to nobody.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) renew_at: Duration,
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Token").field("renew_at", &self.renew_at).finish_non_exhaustive()
    }
}

/// Where tokens are given.
pub(crate) fn path(tenant: &Tenant) -> String {
    format!("/{}/oauth2/v2.0/token", tenant.tenant)
}

/// What is sent there.
pub(crate) fn form(tenant: &Tenant, secret: &Secret) -> String {
    let scope = format!("{}/.default", tenant.graph);
    let pairs = [
        ("client_id", tenant.client.as_str()),
        ("scope", &scope),
        ("client_secret", secret.text()),
        ("grant_type", "client_credentials"),
    ];
    let encoded = pairs.map(|(key, value)| format!("{key}={}", encode(value)));
    encoded.join("&")
}

fn encode(value: &str) -> String {
    let mut out = String::new();
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte as char),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Reads the answer; `None` when it holds no token.
pub(crate) fn token(body: &[u8], now: Duration) -> Option<Token> {
    #[derive(serde::Deserialize)]
    struct Text {
        access_token: String,
        #[serde(default)]
        expires_in: Word,
    }
    let text: Text = serde_json::from_slice(body).ok()?;
    // It becomes a header.
    let is_fit = text.access_token.bytes().all(|byte| byte.is_ascii_graphic());
    if text.access_token.is_empty() || text.access_token.len() > TOKEN_BYTES_MAX || !is_fit {
        return None;
    }
    let life = text.expires_in.text().parse().map_or(LIFE, Duration::from_secs).min(LIFE_MAX);
    Some(Token { text: text.access_token, renew_at: now + life.saturating_sub(RENEW_BEFORE).max(life / 2) })
}

/// Why there is none: the code `AADSTS…` and the first sentence.
pub(crate) fn refusal(body: &[u8]) -> (Option<u64>, String) {
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Text {
        error: Word,
        error_description: Word,
    }
    let text: Text = serde_json::from_slice(body).unwrap_or_default();
    let said = plain(text.error_description.text());
    let code = said.strip_prefix("AADSTS").and_then(|rest| rest.split(':').next()?.parse().ok());
    match said.as_str() {
        "" => (code, plain(text.error.text())),
        _ => (code, said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_holds_the_secret_escaped() {
        let tenant: Tenant = "tenant=contoso.com client=4f1c secret-file=/s".parse().expect("a tenant");
        assert_eq!(path(&tenant), "/contoso.com/oauth2/v2.0/token");
        assert_eq!(
            form(&tenant, &Secret::of("a+b&c=d~é")),
            "client_id=4f1c&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&client_secret=a%2Bb%26c%3Dd~%C3%A9&grant_type=client_credentials"
        );
    }

    #[test]
    fn a_token_is_renewed_before_it_ends() {
        let now = Duration::from_secs(1000);
        let renewed = |expires: &str| {
            let body = format!(r#"{{"token_type":"Bearer","access_token":"eyJ.x.y"{expires}}}"#);
            (token(body.as_bytes(), now).expect("a token").renew_at - now).as_secs()
        };
        assert_eq!(renewed(r#","expires_in":3599"#), 3299);
        assert_eq!(renewed(r#","expires_in":"3599""#), 3299);
        assert_eq!(renewed(r#","expires_in":10"#), 5);
        assert_eq!(renewed(r#","expires_in":-1"#), 150);
        assert_eq!(renewed(""), 150);
        assert_eq!(renewed(r#","expires_in":18446744073709551615"#), 86_100);
        for none in [
            "",
            "{}",
            r#"{"access_token":""}"#,
            r#"{"access_token":null}"#,
            r#"{"access_token":"a\r\nb"}"#,
            r#"{"access_token":"é"}"#,
        ] {
            assert_eq!(token(none.as_bytes(), now), None, "{none}");
        }
    }

    #[test]
    fn a_token_shows_itself_to_nobody() {
        let token = token(br#"{"access_token":"eyJ.x.y","expires_in":3599}"#, Duration::ZERO);
        assert!(!format!("{token:?}").contains("eyJ"), "{token:?}");
    }

    #[test]
    fn a_refusal_is_told_by_its_code_and_first_sentence() {
        let body = br#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.\r\nTrace ID: a\r\nTimestamp: b","error_codes":[7000215]}"#;
        assert_eq!(refusal(body), (Some(7_000_215), "AADSTS7000215: Invalid client secret provided.".into()));
        assert_eq!(refusal(br#"{"error":"temporarily_unavailable"}"#), (None, "temporarily_unavailable".into()));
        assert_eq!(refusal(b"<html>"), (None, String::new()));
    }
}
