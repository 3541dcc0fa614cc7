//! What keeps a tenant from being read, and what to do.

use std::time::Duration;

use crate::graph::Problem;
use crate::http::Fault;
use crate::secret::SecretError;

/// Microsoft's own application behind the message trace. Without it in the tenant, Graph refuses every request.
const TRACE_APP: &str = "8bd644d1-64a1-4d4b-ae52-2e0cbf64e373";

/// Why nothing comes. `Display` says what happened.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// There is no secret to show.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// No answer, or half of one.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// No token is given.
    #[error("{host} gives no token: {said}")]
    NoToken {
        /// Who.
        host: String,
        /// The number behind `AADSTS`.
        code: Option<u64>,
        /// What it says.
        said: String,
    },
    /// Microsoft's own application is missing in the tenant.
    #[error("the message trace is not set up in the tenant: {said}")]
    NoTraceApp {
        /// What Graph says.
        said: String,
    },
    /// A new token is not taken either.
    #[error("Graph does not take the token: {said}")]
    Unauthorized {
        /// What Graph says.
        said: String,
    },
    /// The application has no permission.
    #[error("the application may not read the message trace: {said}")]
    Forbidden {
        /// What Graph says.
        said: String,
    },
    /// Too many requests.
    #[error("Microsoft makes us wait for {} s, because the tenant has made too many requests", wait.as_secs())]
    Throttled {
        /// How long.
        wait: Duration,
    },
    /// An error of the service, which may pass.
    #[error("{host} answers {status}: {said}")]
    Failing {
        /// Who.
        host: String,
        /// The status.
        status: u16,
        /// What it says.
        said: String,
    },
    /// The service does not take the question.
    #[error("{host} refuses the request with {status}: {said}")]
    Refused {
        /// Who.
        host: String,
        /// The status.
        status: u16,
        /// What it says.
        said: String,
    },
    /// An answer that is no page.
    #[error("{host} answers something else than a whole page")]
    Nonsense {
        /// Who.
        host: String,
    },
    /// The next page would be elsewhere.
    #[error("the next page is not at {host}")]
    Elsewhere {
        /// Where it should be.
        host: String,
    },
    /// The pages never end.
    #[error("the pages of {host} lead in a circle")]
    Circle {
        /// Who.
        host: String,
    },
    /// What was read cannot be kept.
    #[error("cannot keep what was read: {0}")]
    Unkept(String),
}

impl Trouble {
    /// Sorts an answer of Graph that is no page.
    pub(crate) fn of_graph(host: &str, status: u16, problem: &Problem) -> Trouble {
        let (host, said) = (host.to_owned(), problem.to_string());
        match status {
            401 if said.contains(TRACE_APP) || said.to_ascii_lowercase().contains("service principal") => {
                Trouble::NoTraceApp { said }
            }
            401 => Trouble::Unauthorized { said },
            403 => Trouble::Forbidden { said },
            408 | 500.. => Trouble::Failing { host, status, said },
            _ => Trouble::Refused { host, status, said },
        }
    }

    /// Does it stay until a person does something?
    pub fn needs_a_person(&self) -> bool {
        match self {
            Trouble::Secret(_)
            | Trouble::NoToken { .. }
            | Trouble::NoTraceApp { .. }
            | Trouble::Unauthorized { .. }
            | Trouble::Forbidden { .. }
            | Trouble::Refused { .. }
            | Trouble::Elsewhere { .. } => true,
            Trouble::Fault(fault) => fault.needs_a_person(),
            Trouble::Throttled { .. }
            | Trouble::Failing { .. }
            | Trouble::Nonsense { .. }
            | Trouble::Circle { .. }
            | Trouble::Unkept(_) => false,
        }
    }

    /// What to do.
    pub fn hint(&self) -> String {
        let text = match self {
            Trouble::Secret(error) => return error.hint(),
            Trouble::Fault(fault) => fault.hint(),
            Trouble::NoToken { code: Some(7_000_215), .. } => {
                "write the secret's value into the file, not its id; or make a new secret in the app registration"
            }
            Trouble::NoToken { code: Some(7_000_222), .. } => {
                "the secret is too old: make a new one in the app registration, and write it into the file"
            }
            Trouble::NoToken { code: Some(700_016), .. } => {
                "see whether `client` is the application's id, and `tenant` the tenant in which it is registered"
            }
            Trouble::NoToken { code: Some(90_002 | 900_023), .. } => {
                "see whether `tenant` is the tenant's id or one of its domains"
            }
            Trouble::NoToken { .. } => "see the sign-in logs of the application in the Microsoft Entra admin center",
            Trouble::NoTraceApp { .. } => {
                return format!(
                    "an administrator has to add it once: New-MgServicePrincipal -AppId {TRACE_APP}; it takes up to some hours until it is known"
                );
            }
            Trouble::Unauthorized { .. } => {
                "see whether the application's registration was changed a moment ago; that takes up to some hours"
            }
            Trouble::Forbidden { .. } => {
                "give the application the permission ExchangeMessageTrace.Read.All (of the kind Application) with admin consent"
            }
            Trouble::Throttled { .. } => {
                "other programs and people of the tenant share the same 100 requests in five minutes; nothing is lost"
            }
            Trouble::Failing { .. } | Trouble::Nonsense { .. } => {
                "it is tried again; see the service health of the tenant if it stays"
            }
            Trouble::Refused { .. } | Trouble::Elsewhere { .. } | Trouble::Circle { .. } => {
                "see whether `graph` names the right service, and update the collector"
            }
            Trouble::Unkept(_) => "see with `df` whether the disk of the collector's state is full",
        };
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_graph_are_told_apart() {
        let of = |status, message: &str| {
            let problem = Problem { code: "x".into(), message: message.into() };
            let trouble = Trouble::of_graph("graph", status, &problem);
            assert!(!trouble.to_string().is_empty() && !trouble.hint().is_empty());
            trouble
        };
        let missing = "Service principal-less authentication failed: the service principal for App ID 8bd644d1-64a1-4d4b-ae52-2e0cbf64e373 was not found.";
        assert!(matches!(of(401, missing), Trouble::NoTraceApp { .. }));
        assert!(of(401, missing).hint().contains("New-MgServicePrincipal"));
        assert!(matches!(of(401, "expired"), Trouble::Unauthorized { .. }));
        assert!(of(403, "denied").hint().contains("ExchangeMessageTrace.Read.All"));
        for (status, needs_a_person) in
            [(400, true), (404, true), (302, true), (500, false), (503, false), (408, false)]
        {
            assert_eq!(of(status, "x").needs_a_person(), needs_a_person, "{status}");
        }
    }
}
