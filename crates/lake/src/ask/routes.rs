//! Where the mail goes, in four stops: where it came from, the first server, the last server, and how it ended for whom.

use arrow::array::RecordBatch;
use rustc_hash::FxHashMap;
use vigie_model::{Arrival, Outcome};
use vigie_query::Filter;

use super::fold::{Fold, texts};
use crate::ask::Dataset;
use crate::{LakeError, Snapshot};

/// Different routes counted at most.
const ROUTES_MAX: usize = 1_000_000;

/// Where a message came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// Another organisation's server, or one whose log is not read.
    Outside,
    /// A user who logged in.
    User,
    /// A process on one of the servers.
    Process,
}

/// Deliveries that went the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub origin: Origin,
    pub first_server: Box<str>,
    pub last_server: Box<str>,
    pub outcome: Outcome,
    /// Domain of the recipients.
    pub recipient_domain: Box<str>,
    pub deliveries: u64,
}

impl Snapshot {
    /// Routes of the chosen deliveries, most deliveries first.
    pub fn routes(&self, filter: &Filter) -> Result<Vec<Route>, LakeError> {
        let (dataset, _) = self.asked(filter)?;
        if dataset == Dataset::Rejections {
            return Err(dataset.lacks("route"));
        }
        let columns = ["arrival", "first_server", "server", "outcome", "recipient_domain"];
        let mut counts = Routes::default();
        counts.merge(self.fold(filter, &columns, Routes::default)?);
        let mut routes: Vec<Route> =
            counts.found.into_iter().map(|(route, deliveries)| route.counted(deliveries)).collect();
        routes.sort_by(|a, b| {
            let names = |r: &Route| {
                (r.origin, r.first_server.clone(), r.last_server.clone(), r.recipient_domain.clone(), r.outcome)
            };
            b.deliveries.cmp(&a.deliveries).then_with(|| names(a).cmp(&names(b)))
        });
        Ok(routes)
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    arrival: Box<str>,
    first_server: Box<str>,
    server: Box<str>,
    outcome: Box<str>,
    domain: Box<str>,
}

impl Key {
    fn counted(self, deliveries: u64) -> Route {
        Route {
            origin: match Arrival::parse(&self.arrival) {
                Some(Arrival::User) => Origin::User,
                Some(Arrival::Local) => Origin::Process,
                _ => Origin::Outside,
            },
            first_server: self.first_server,
            last_server: self.server,
            outcome: Outcome::parse(&self.outcome).unwrap_or_default(),
            recipient_domain: self.domain,
            deliveries,
        }
    }
}

#[derive(Default)]
struct Routes {
    /// By the texts of a row; most rows repeat a route, which costs no memory then.
    found: FxHashMap<Key, u64>,
    hashes: FxHashMap<u64, Vec<(Key, u64)>>,
}

impl Fold for Routes {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let (arrivals, firsts) = (texts(batch, "arrival")?, texts(batch, "first_server")?);
        let (servers, outcomes) = (texts(batch, "server")?, texts(batch, "outcome")?);
        let domains = texts(batch, "recipient_domain")?;
        for row in 0..batch.num_rows() {
            let parts =
                [arrivals.value(row), firsts.value(row), servers.value(row), outcomes.value(row), domains.value(row)];
            let mut hasher = rustc_hash::FxHasher::default();
            std::hash::Hash::hash(&parts, &mut hasher);
            let same = self.hashes.entry(std::hash::Hasher::finish(&hasher)).or_default();
            let known = same.iter_mut().find(|(key, _)| {
                [&*key.arrival, &*key.first_server, &*key.server, &*key.outcome, &*key.domain] == parts
            });
            match known {
                Some((_, count)) => *count += 1,
                None => {
                    let [arrival, first_server, server, outcome, domain] = parts.map(Into::into);
                    same.push((Key { arrival, first_server, server, outcome, domain }, 1));
                }
            }
        }
        if self.hashes.len() > ROUTES_MAX {
            return Err(LakeError::Unanswerable {
                message: format!("there are more than {ROUTES_MAX} different routes"),
                hint: "choose a shorter period, or add a condition",
            });
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) {
        for (key, count) in other.hashes.into_values().flatten().chain(other.found) {
            *self.found.entry(key).or_default() += count;
        }
    }
}
