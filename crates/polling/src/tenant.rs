//! A tenant, as the configuration names it: `tenant=contoso.onmicrosoft.com client=… secret-file=/etc/…`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::origin::Origin;

const LOGIN: &str = "login.microsoftonline.com";
const GRAPH: &str = "graph.microsoft.com";
const EVERY_S: u64 = 300;
const EVERY_S_MAX: u64 = 86_400;
const HISTORY_DAYS: u64 = 10;
/// Graph keeps no more.
const HISTORY_DAYS_MAX: u64 = 90;
/// Of the 100 in five minutes that all programs and people of a tenant share.
const REQUESTS: u64 = 60;
const REQUESTS_MAX: u64 = 100_000;
/// The largest page that Graph gives.
const PAGE_ROWS: u64 = 5000;
const ID_BYTES_MAX: usize = 253;
const KEYS: &str = "tenant, client, secret-file, every, history, requests, page, login, graph";

/// Whose message trace is read, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its id or one of its domains.
    pub tenant: String,
    /// The application's id.
    pub client: String,
    /// Where the application's secret is.
    pub secret_file: PathBuf,
    /// How often it is asked for what is new.
    pub every: Duration,
    /// How many days to go back at the first start.
    pub history_days: u64,
    /// Requests in five minutes, at most.
    pub requests: u64,
    /// Rows of a page.
    pub page_rows: u64,
    /// Who gives tokens.
    pub login: Origin,
    /// Who has the trace.
    pub graph: Origin,
}

/// Why this names no tenant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoTenant(String);

impl Tenant {
    /// What the server calls its trace.
    pub fn label(&self) -> String {
        format!("microsoft365:{}", self.tenant)
    }

    /// Fit for the name of a folder: what a tenant's name may hold is.
    pub fn file_name(&self) -> &str {
        &self.tenant
    }
}

impl FromStr for Tenant {
    type Err = NoTenant;

    fn from_str(text: &str) -> Result<Self, NoTenant> {
        let mut known = Known::default();
        for word in text.split_whitespace() {
            let (key, value) = word.split_once('=').ok_or_else(|| NoTenant(format!("`{word}` is not `key=value`")))?;
            let place = known.place(key).ok_or_else(|| NoTenant(format!("there is no `{key}`; there are {KEYS}")))?;
            if place.replace(value.to_owned()).is_some() {
                return Err(NoTenant(format!("`{key}` is given twice")));
            }
        }
        known.finish()
    }
}

#[derive(Default)]
struct Known {
    tenant: Option<String>,
    client: Option<String>,
    secret_file: Option<String>,
    every: Option<String>,
    history: Option<String>,
    requests: Option<String>,
    page: Option<String>,
    login: Option<String>,
    graph: Option<String>,
}

impl Known {
    fn place(&mut self, key: &str) -> Option<&mut Option<String>> {
        Some(match key {
            "tenant" => &mut self.tenant,
            "client" => &mut self.client,
            "secret-file" => &mut self.secret_file,
            "every" => &mut self.every,
            "history" => &mut self.history,
            "requests" => &mut self.requests,
            "page" => &mut self.page,
            "login" => &mut self.login,
            "graph" => &mut self.graph,
            _ => return None,
        })
    }

    fn finish(self) -> Result<Tenant, NoTenant> {
        let secret_file = PathBuf::from(self.secret_file.ok_or_else(|| missing("secret-file"))?);
        if !secret_file.is_absolute() {
            return Err(NoTenant("`secret-file` has to begin with /".into()));
        }
        Ok(Tenant {
            tenant: name(self.tenant, "tenant")?.to_ascii_lowercase(),
            client: name(self.client, "client")?,
            secret_file,
            every: Duration::from_secs(number(self.every, "every", EVERY_S, EVERY_S_MAX)?),
            history_days: number(self.history, "history", HISTORY_DAYS, HISTORY_DAYS_MAX)?,
            requests: number(self.requests, "requests", REQUESTS, REQUESTS_MAX)?,
            page_rows: number(self.page, "page", PAGE_ROWS, PAGE_ROWS)?,
            login: origin(self.login, LOGIN)?,
            graph: origin(self.graph, GRAPH)?,
        })
    }
}

fn missing(key: &str) -> NoTenant {
    NoTenant(format!("`{key}` is missing"))
}

/// An id or a domain: nothing that a path or an address could be made of.
fn name(value: Option<String>, key: &str) -> Result<String, NoTenant> {
    let value = value.ok_or_else(|| missing(key))?;
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let is_name = value.len() <= ID_BYTES_MAX && value.bytes().all(is_fit);
    if is_name && value.bytes().any(|byte| byte.is_ascii_alphanumeric()) && !value.starts_with('.') {
        Ok(value)
    } else {
        Err(NoTenant(format!("`{key}` is an id or a domain, and `{value}` is neither")))
    }
}

fn number(value: Option<String>, key: &str, usual: u64, max: u64) -> Result<u64, NoTenant> {
    let Some(value) = value else { return Ok(usual) };
    let number = value.parse().ok().filter(|number| (1..=max).contains(number));
    number.ok_or_else(|| NoTenant(format!("`{key}` is a number from 1 to {max}, and `{value}` is none")))
}

fn origin(value: Option<String>, usual: &str) -> Result<Origin, NoTenant> {
    let Some(value) = value else { return Ok(Origin::secure(usual)) };
    value.parse().map_err(|no_origin| NoTenant(format!("`{value}`: {no_origin}")))
}

/// What was not left as usual.
impl fmt::Display for Tenant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "tenant={} client={} secret-file={}", self.tenant, self.client, self.secret_file.display())?;
        let numbers = [
            ("every", self.every.as_secs(), EVERY_S),
            ("history", self.history_days, HISTORY_DAYS),
            ("requests", self.requests, REQUESTS),
            ("page", self.page_rows, PAGE_ROWS),
        ];
        for (key, value, _) in numbers.into_iter().filter(|(_, value, usual)| value != usual) {
            write!(formatter, " {key}={value}")?;
        }
        for (key, value, usual) in [("login", &self.login, LOGIN), ("graph", &self.graph, GRAPH)] {
            if *value != Origin::secure(usual) {
                write!(formatter, " {key}={value}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "tenant=Contoso.onmicrosoft.com client=4f1c secret-file=/etc/vigie/m365.secret";

    #[test]
    fn a_tenant_is_read_as_it_is_written() {
        let tenant: Tenant = LEAST.parse().expect("a tenant");
        assert_eq!((tenant.every.as_secs(), tenant.history_days, tenant.page_rows), (300, 10, 5000));
        assert_eq!(tenant.label(), "microsoft365:contoso.onmicrosoft.com");
        assert_eq!(tenant.to_string().parse(), Ok(tenant));
        let all = format!(
            "{LEAST} every=60 history=90 requests=90 page=10 login=http://127.0.0.1:1 graph=http://127.0.0.1:2"
        );
        let tenant: Tenant = all.parse().expect("a tenant");
        assert_eq!(tenant.to_string().parse(), Ok(tenant));
    }

    #[test]
    fn mistakes_are_named() {
        for (text, words) in [
            ("client=a secret-file=/s", "`tenant` is missing"),
            ("tenant=a secret-file=/s", "`client` is missing"),
            ("tenant=a client=b", "`secret-file` is missing"),
            ("tenant=a client=b secret-file=s", "begin with /"),
            ("tenant=../x client=b secret-file=/s", "neither"),
            ("tenant=a/b client=b secret-file=/s", "neither"),
            ("tenant=... client=b secret-file=/s", "neither"),
            ("tenant=a client=b&c secret-file=/s", "neither"),
            ("tenant=a tenant=b", "twice"),
            ("tenant", "not `key=value`"),
            ("secret=x", "there is no `secret`"),
            ("tenant=a client=b secret-file=/s every=0", "from 1 to"),
            ("tenant=a client=b secret-file=/s history=91", "from 1 to 90"),
            ("tenant=a client=b secret-file=/s page=5001", "from 1 to 5000"),
            ("tenant=a client=b secret-file=/s graph=http://graph.example.org", "plain http"),
        ] {
            let said = text.parse::<Tenant>().expect_err(text).to_string();
            assert!(said.contains(words), "{text}: {said}");
        }
    }
}
