//! Figures added up, part by part.

use rustc_hash::FxHashMap;
use vigie_model::{Micros, Outcome};

use super::part::Part;
use crate::ask::{Delays, TimeBucket, Totals};
use crate::rollup::{Way, of_delay_key, of_sender_key};

/// What a value is ranked by, its deliveries, and those that failed.
#[derive(Clone, Copy, Default)]
pub(super) struct Figures {
    pub(super) count: u64,
    pub(super) deliveries: u64,
    pub(super) failed: u64,
}

/// The first of a ranking, by the numbers of their texts, and how many values there are.
pub(super) struct Chosen {
    pub(super) rows: Vec<(u32, Figures)>,
    pub(super) values: usize,
}

/// The rank of each number that has one.
pub(super) struct Ranks(Vec<u16>);

const NO_RANK: u16 = u16::MAX;

impl Chosen {
    /// The ranks of these, among so many numbers.
    pub(super) fn ranks(&self, numbers: usize) -> Ranks {
        let mut ranks = vec![NO_RANK; numbers];
        for (rank, (number, _)) in self.rows.iter().enumerate() {
            // A ranking so long has no trends to the very end.
            ranks[*number as usize] = u16::try_from(rank).unwrap_or(NO_RANK);
        }
        Ranks(ranks)
    }
}

impl Ranks {
    fn of(&self, number: u32) -> Option<usize> {
        Some(self.0[number as usize]).filter(|rank| *rank != NO_RANK).map(usize::from)
    }
}

/// Sums over some of the roll-ups. What belongs to a text stands at its number.
pub(super) struct Sums {
    pub(super) buckets: Vec<TimeBucket>,
    pub(super) delivered: Delays,
    pub(super) senders: Vec<Figures>,
    pub(super) domains: Vec<Figures>,
    /// Of each domain, what was delivered.
    pub(super) arrived: Vec<Figures>,
    pub(super) reasons: Vec<Figures>,
    sender_numbers: usize,
    name_numbers: usize,
}

impl Sums {
    pub(super) fn new(edges: &[Micros], sender_numbers: usize, name_numbers: usize) -> Self {
        let starts = edges.iter().take(edges.len().saturating_sub(1));
        Sums {
            buckets: starts.map(|&start| TimeBucket { start, ..TimeBucket::default() }).collect(),
            delivered: Delays::default(),
            senders: Vec::new(),
            domains: Vec::new(),
            arrived: Vec::new(),
            reasons: Vec::new(),
            sender_numbers,
            name_numbers,
        }
    }

    pub(super) fn add_totals(&mut self, edges: &[Micros], part: &Part<'_>) {
        let bucket = |slot| part.bucket(edges, slot);
        part.counts.totals.each(bucket, |bucket, class, [messages, deliveries, bytes, outcomes @ ..]| {
            if part.is_chosen(class as usize) {
                let bucket = &mut self.buckets[bucket];
                bucket.totals += Totals { messages, deliveries, bytes };
                bucket.outcomes.iter_mut().zip(outcomes).for_each(|(sum, count)| *sum += count);
            }
        });
        part.counts.delays.each(bucket, |_, key, [count]| {
            let (class, delay) = of_delay_key(key);
            if part.is_chosen(class) {
                self.delivered.add_bucket(delay, count);
            }
        });
        part.counts.delay_ends.each(bucket, |_, class, [sum_ms, max_ms]| {
            if part.is_chosen(class as usize) {
                self.delivered.add_ends(sum_ms, max_ms);
            }
        });
    }

    pub(super) fn add_senders(&mut self, edges: &[Micros], part: &Part<'_>) {
        // First by the part's own numbers, which come ascending: the numbers of all lie far apart in memory.
        let mut senders = vec![Figures::default(); part.senders.len()];
        let bucket = |slot| part.bucket(edges, slot);
        part.counts.senders.each(bucket, |_, key, [count, deliveries, failed]| {
            let (sender, class) = of_sender_key(key);
            if part.is_chosen(class) {
                senders[sender] += Figures { count, deliveries, failed };
            }
        });
        self.senders.resize(self.sender_numbers, Figures::default());
        for (figures, &number) in senders.into_iter().zip(&*part.senders).filter(|(figures, _)| figures.deliveries > 0)
        {
            self.senders[number as usize] += figures;
        }
    }

    pub(super) fn add_domains(&mut self, edges: &[Micros], part: &Part<'_>) {
        self.domains.resize(self.name_numbers, Figures::default());
        self.arrived.resize(self.name_numbers, Figures::default());
        for (exit, count) in exits(edges, part) {
            let exit = part.counts.exits[exit];
            let outcome = outcome_of(part.counts.ways[exit.way as usize].outcome);
            let failed = if matches!(outcome, Some(Outcome::Bounced | Outcome::Expired)) { count } else { 0 };
            let figures = Figures { count, deliveries: count, failed };
            let domain = part.names[exit.domain as usize] as usize;
            self.domains[domain] += figures;
            if outcome == Some(Outcome::Delivered) {
                self.arrived[domain] += figures;
            }
        }
    }

    pub(super) fn add_reasons(&mut self, edges: &[Micros], part: &Part<'_>) {
        self.reasons.resize(self.name_numbers, Figures::default());
        let bucket = |slot| part.bucket(edges, slot);
        part.counts.reasons.each(bucket, |bucket, reason, [count]| {
            self.buckets[bucket].totals.deliveries += count;
            self.reasons[part.names[reason as usize] as usize] += Figures { count, deliveries: count, failed: 0 };
        });
    }

    pub(super) fn merge(&mut self, other: Sums) {
        for (mine, theirs) in self.buckets.iter_mut().zip(other.buckets) {
            mine.totals += theirs.totals;
            mine.outcomes.iter_mut().zip(theirs.outcomes).for_each(|(mine, theirs)| *mine += theirs);
        }
        self.delivered.merge(&other.delivered);
        for (mine, theirs) in [
            (&mut self.senders, other.senders),
            (&mut self.domains, other.domains),
            (&mut self.arrived, other.arrived),
            (&mut self.reasons, other.reasons),
        ] {
            mine.resize(mine.len().max(theirs.len()), Figures::default());
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine += theirs);
        }
    }
}

impl std::ops::AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.count += other.count;
        self.deliveries += other.deliveries;
        self.failed += other.failed;
    }
}

/// Chosen deliveries of each exit that has any.
fn exits(edges: &[Micros], part: &Part<'_>) -> impl Iterator<Item = (usize, u64)> {
    let mut counts = vec![0; part.counts.exits.len()];
    part.counts.taken.each(|slot| part.bucket(edges, slot), |_, exit, [count]| counts[exit as usize] += count);
    counts.into_iter().enumerate().filter(|&(exit, count)| count > 0 && part.is_exit_chosen(exit))
}

/// Rows in each bucket, of ranked values.
pub(super) struct Trends {
    buckets: usize,
    counts: Vec<u64>,
}

impl Trends {
    pub(super) fn new(values: usize, edges: &[Micros]) -> Self {
        let buckets = edges.len().saturating_sub(1);
        Trends { buckets, counts: vec![0; values * buckets] }
    }

    pub(super) fn of(&self, rank: usize) -> &[u64] {
        &self.counts[rank * self.buckets..(rank + 1) * self.buckets]
    }

    pub(super) fn add_senders(&mut self, edges: &[Micros], part: &Part<'_>, ranks: &Ranks) {
        let ranks: Vec<Option<usize>> = part.senders.iter().map(|&number| ranks.of(number)).collect();
        if ranks.iter().all(Option::is_none) {
            return;
        }
        part.counts.senders.each(
            |slot| part.bucket(edges, slot),
            |bucket, key, [_, deliveries, _]| {
                let (sender, class) = of_sender_key(key);
                if let Some(rank) = ranks[sender]
                    && part.is_chosen(class)
                {
                    self.add(rank, bucket, deliveries);
                }
            },
        );
    }

    pub(super) fn add_reasons(&mut self, edges: &[Micros], part: &Part<'_>, ranks: &Ranks) {
        part.counts.reasons.each(
            |slot| part.bucket(edges, slot),
            |bucket, reason, [count]| {
                if let Some(rank) = ranks.of(part.names[reason as usize]) {
                    self.add(rank, bucket, count);
                }
            },
        );
    }

    fn add(&mut self, rank: usize, bucket: usize, count: u64) {
        self.counts[rank * self.buckets + bucket] += count;
    }

    fn merge(&mut self, other: Trends) {
        self.counts.iter_mut().zip(other.counts).for_each(|(mine, theirs)| *mine += theirs);
    }
}

/// What is counted when it is known which values lead.
pub(super) struct Details {
    pub(super) senders: Trends,
    pub(super) domains: Trends,
    /// Deliveries by way whatever the class, and by the rank of the destination where they were delivered to one that has a rank.
    pub(super) routes: FxHashMap<(Way, Option<usize>), u64>,
}

impl Details {
    pub(super) fn add_exits(&mut self, edges: &[Micros], part: &Part<'_>, domains: &Ranks, destinations: &Ranks) {
        let mut counts = vec![0; part.counts.exits.len()];
        part.counts.taken.each(
            |slot| part.bucket(edges, slot),
            |bucket, exit, [count]| {
                counts[exit as usize] += count;
                let domain = part.names[part.counts.exits[exit as usize].domain as usize];
                if let Some(rank) = domains.of(domain)
                    && part.is_exit_chosen(exit as usize)
                {
                    self.domains.add(rank, bucket, count);
                }
            },
        );
        let with_any = counts.into_iter().enumerate().filter(|(_, count)| *count > 0);
        for (exit, count) in with_any.filter(|(exit, _)| part.is_exit_chosen(*exit)) {
            let exit = part.counts.exits[exit];
            let way = part.counts.ways[exit.way as usize];
            let was_delivered = outcome_of(way.outcome) == Some(Outcome::Delivered);
            let rank = destinations.of(part.names[exit.domain as usize]).filter(|_| was_delivered);
            let name = |number: u32| part.names[number as usize];
            let (first_server, last_server) = (name(way.first_server), name(way.last_server));
            *self.routes.entry((Way { class: 0, first_server, last_server, ..way }, rank)).or_default() += count;
        }
    }

    pub(super) fn merge(&mut self, other: Details) {
        self.senders.merge(other.senders);
        self.domains.merge(other.domains);
        for (route, count) in other.routes {
            *self.routes.entry(route).or_default() += count;
        }
    }
}

pub(super) fn outcome_of(number: u8) -> Option<Outcome> {
    Outcome::ALL.get(usize::from(number)).copied()
}
