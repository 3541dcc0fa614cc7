//! Who hands to whom: sender's domain to first server, server to server, last server to recipient's domain.

use arrow::array::RecordBatch;
use rustc_hash::FxHashMap;
use vigie_query::Filter;

use super::fold::{Fold, Messages, ints, size_at, texts};
use super::totals::Totals;
use crate::ask::Dataset;
use crate::{LakeError, Snapshot};

/// Different arrows counted at most.
const FLOWS_MAX: usize = 2_000_000;

/// What an arrow joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FlowKind {
    /// A domain of senders to the first server.
    Entry,
    /// A server to the next.
    Between,
    /// The last server to a domain of recipients.
    Exit,
}

/// An arrow, and what went along it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    pub kind: FlowKind,
    pub from: Box<str>,
    pub to: Box<str>,
    pub totals: Totals,
}

impl Snapshot {
    /// Arrows of the chosen deliveries, most deliveries first. A message counts in an arrow once, in each of its arrows.
    pub fn flows(&self, filter: &Filter) -> Result<Vec<Flow>, LakeError> {
        let (dataset, _) = self.asked(filter)?;
        if dataset == Dataset::Rejections {
            return Err(dataset.lacks("path"));
        }
        let columns = [&["sender_domain", "servers", "recipient_domain"], Messages::columns(dataset, filter)].concat();
        let make = || Arrows {
            totals: FxHashMap::default(),
            messages: Messages::new(dataset, filter),
            seen: Vec::new(),
            size: 0,
        };
        let arrows = self.fold(filter, &columns, make)?;
        let flow = |((kind, from, to), totals)| Flow { kind, from, to, totals };
        let mut flows: Vec<Flow> = arrows.totals.into_iter().map(flow).collect();
        flows.sort_by(|a, b| {
            let key = |f: &Flow| (std::cmp::Reverse(f.totals.deliveries), f.kind);
            key(a).cmp(&key(b)).then_with(|| (&a.from, &a.to).cmp(&(&b.from, &b.to)))
        });
        Ok(flows)
    }
}

type Arrow = (FlowKind, Box<str>, Box<str>);

struct Arrows {
    totals: FxHashMap<Arrow, Totals>,
    messages: Messages,
    /// Arrows that the message under way has gone along.
    seen: Vec<Arrow>,
    size: u64,
}

impl Arrows {
    fn arrow(&mut self, kind: FlowKind, from: &str, to: &str) {
        let arrow: Arrow = (kind, from.into(), to.into());
        let is_new = !self.seen.contains(&arrow);
        let added = Totals { messages: u64::from(is_new), deliveries: 1, bytes: if is_new { self.size } else { 0 } };
        *self.totals.entry(arrow.clone()).or_default() += added;
        if is_new {
            self.seen.push(arrow);
        }
    }
}

impl Fold for Arrows {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let begins = self.messages.begins(batch)?;
        let sizes = ints(batch, "size").ok();
        let (senders, servers) = (texts(batch, "sender_domain")?, texts(batch, "servers")?);
        let recipients = texts(batch, "recipient_domain")?;
        for (row, &begins) in begins.iter().enumerate() {
            if begins {
                self.seen.clear();
                self.size = size_at(sizes, row);
            }
            let path: Vec<&str> = servers.value(row).split(' ').filter(|server| !server.is_empty()).collect();
            if let (Some(first), Some(last)) = (path.first(), path.last()) {
                self.arrow(FlowKind::Entry, senders.value(row), first);
                path.windows(2).for_each(|pair| self.arrow(FlowKind::Between, pair[0], pair[1]));
                self.arrow(FlowKind::Exit, last, recipients.value(row));
            }
        }
        if self.totals.len() > FLOWS_MAX {
            return Err(LakeError::Unanswerable {
                message: format!("there are more than {FLOWS_MAX} different flows"),
                hint: "choose a shorter period, or add a condition",
            });
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) {
        for (arrow, totals) in other.totals {
            *self.totals.entry(arrow).or_default() += totals;
        }
    }
}
