//! Roll-ups added up: those of files by quarters, those of counted rows by buckets.

use std::sync::{Arc, PoisonError};

use vigie_model::{Micros, Text};
use vigie_query::{Filter, matches};

use super::part::{Part, Slots};
use super::sums::{Chosen, Details, Figures, Sums, Trends, outcome_of};
use super::{Leader, Leaders, Parts, Refusals, Route, Summary, Word};
use crate::ask::threads;
use crate::rollup::{Generation, Loaded, Names, Rollup};

/// What a question is answered from.
pub(super) struct Gathered {
    pub(super) generation: Arc<Generation>,
    /// Whole quarters.
    pub(super) loaded: Vec<Arc<Loaded>>,
    /// All other rows.
    pub(super) counted: Vec<Rollup>,
}

impl Gathered {
    /// Answers, while the texts stay as they are.
    pub(super) fn look<T>(&self, filter: &Filter, edges: &[Micros], answer: impl FnOnce(&Look<'_>) -> T) -> T {
        let texts = self.generation.texts.read().unwrap_or_else(PoisonError::into_inner);
        let (mut senders, mut names) = (Numbers::new(&texts.senders), Numbers::new(&texts.names));
        let mut parts: Vec<Part<'_>> = self.loaded.iter().map(|loaded| Part::of_file(loaded)).collect();
        for rollup in &self.counted {
            parts.push(Part {
                counts: &rollup.counts,
                senders: senders.of(&rollup.texts.senders).into(),
                names: names.of(&rollup.texts.names).into(),
                slots: Slots::Buckets,
                is_chosen: Vec::new(),
            });
        }
        for part in &mut parts {
            let is_chosen = |&class: &u32| {
                let class = Word(names.text(part.names[class as usize]));
                // Counted rows were chosen already.
                part.slots == Slots::Buckets || filter.expr.as_ref().is_none_or(|expr| matches(expr, &class))
            };
            part.is_chosen = part.counts.classes.iter().map(is_chosen).collect();
        }
        answer(&Look { edges, parts, senders, names })
    }
}

/// Texts by number: those of all roll-ups, and behind them those that only the counted rows have.
struct Numbers<'a> {
    base: &'a Names,
    more: Names,
}

impl<'a> Numbers<'a> {
    fn new(base: &'a Names) -> Self {
        Numbers { base, more: Names::default() }
    }

    fn of(&mut self, names: &Names) -> Vec<u32> {
        let base = self.base;
        let more = |more: &mut Names, text: &str| base.len() as u32 + more.add(text);
        names.iter().map(|text| base.number(text).unwrap_or_else(|| more(&mut self.more, text))).collect()
    }

    fn text(&self, number: u32) -> &str {
        match number.checked_sub(self.base.len() as u32) {
            None => self.base.text(number),
            Some(number) => self.more.text(number),
        }
    }

    fn len(&self) -> usize {
        self.base.len() + self.more.len()
    }

    /// The first `n` by count.
    fn chosen(&self, figures: &[Figures], n: usize) -> Chosen {
        let mut counts: Vec<u64> = figures.iter().filter(|f| f.deliveries > 0).map(|f| f.count).collect();
        let values = counts.len();
        // By numbers first: texts are far away, and decide only among equal counts.
        let least = match n.checked_sub(1).filter(|at| *at < counts.len()) {
            Some(at) => *counts.select_nth_unstable_by(at, |a, b| b.cmp(a)).1,
            None => 0,
        };
        let numbered = figures.iter().enumerate().map(|(number, &figures)| (number as u32, figures));
        let mut rows: Vec<(u32, Figures)> = numbered.filter(|(_, f)| f.deliveries > 0 && f.count >= least).collect();
        let order = |a: &(u32, Figures), b: &(u32, Figures)| {
            b.1.count.cmp(&a.1.count).then_with(|| self.text(a.0).cmp(self.text(b.0)))
        };
        if n > 0 && n < rows.len() {
            rows.select_nth_unstable_by(n - 1, order);
        }
        rows.truncate(n);
        rows.sort_by(order);
        Chosen { rows, values }
    }

    fn leaders(&self, chosen: &Chosen, trends: &Trends) -> Leaders {
        let row = |(rank, (number, figures)): (usize, &(u32, Figures))| Leader {
            value: self.text(*number).into(),
            count: figures.count,
            deliveries: figures.deliveries,
            failed: figures.failed,
            trend: trends.of(rank).to_vec(),
        };
        Leaders { rows: chosen.rows.iter().enumerate().map(row).collect(), values: chosen.values }
    }
}

/// Roll-ups, ready to be added up.
pub(super) struct Look<'a> {
    edges: &'a [Micros],
    parts: Vec<Part<'a>>,
    senders: Numbers<'a>,
    names: Numbers<'a>,
}

impl Look<'_> {
    pub(super) fn summary(&self, parts: Parts) -> Summary {
        let Parts::All { leaders, destinations } = parts else {
            let sums = self.sums(|sums, part| sums.add_totals(self.edges, part));
            return Summary { buckets: sums.buckets, delivered: sums.delivered, ..Summary::default() };
        };
        let sums = self.sums(|sums, part| {
            sums.add_totals(self.edges, part);
            sums.add_senders(self.edges, part);
            sums.add_domains(self.edges, part);
        });
        let senders = self.senders.chosen(&sums.senders, leaders);
        let domains = self.names.chosen(&sums.domains, leaders);
        let destinations = self.names.chosen(&sums.arrived, destinations);
        let details = self.details(&senders, &domains, &destinations);
        Summary {
            buckets: sums.buckets,
            delivered: sums.delivered,
            senders: self.senders.leaders(&senders, &details.senders),
            recipient_domains: self.names.leaders(&domains, &details.domains),
            routes: self.routes(details, &destinations),
            other_destinations: destinations.values - destinations.rows.len(),
        }
    }

    pub(super) fn refusals(&self, reasons: usize) -> Refusals {
        let sums = self.sums(|sums, part| sums.add_reasons(self.edges, part));
        let reasons = self.names.chosen(&sums.reasons, reasons);
        let ranks = reasons.ranks(self.names.len());
        let mut trends = Trends::new(reasons.rows.len(), self.edges);
        self.parts.iter().for_each(|part| trends.add_reasons(self.edges, part, &ranks));
        Refusals { buckets: sums.buckets, reasons: self.names.leaders(&reasons, &trends) }
    }

    /// Adds up all parts, a share of them in each thread.
    fn sums(&self, add: impl Fn(&mut Sums, &Part<'_>) + Sync) -> Sums {
        let new = || Sums::new(self.edges, self.senders.len(), self.names.len());
        self.in_parallel(new, add, Sums::merge)
    }

    /// A second look, when it is known which values lead.
    fn details(&self, senders: &Chosen, domains: &Chosen, destinations: &Chosen) -> Details {
        let ranks = senders.ranks(self.senders.len());
        let (domain_ranks, destination_ranks) = (domains.ranks(self.names.len()), destinations.ranks(self.names.len()));
        let new = || Details {
            senders: Trends::new(senders.rows.len(), self.edges),
            domains: Trends::new(domains.rows.len(), self.edges),
            routes: Default::default(),
        };
        let add = |details: &mut Details, part: &Part<'_>| {
            details.senders.add_senders(self.edges, part, &ranks);
            details.add_exits(self.edges, part, &domain_ranks, &destination_ranks);
        };
        self.in_parallel(new, add, Details::merge)
    }

    fn in_parallel<T: Send>(
        &self,
        new: impl Fn() -> T + Sync,
        add: impl Fn(&mut T, &Part<'_>) + Sync,
        merge: impl Fn(&mut T, T),
    ) -> T {
        let threads = threads().min(self.parts.len()).max(1);
        let share = |at: usize| {
            let mut sum = new();
            self.parts.iter().skip(at).step_by(threads).for_each(|part| add(&mut sum, part));
            sum
        };
        std::thread::scope(|scope| {
            let share = &share;
            let others: Vec<_> = (1..threads).map(|at| scope.spawn(move || share(at))).collect();
            let mut sum = share(0);
            for other in others {
                merge(&mut sum, other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            sum
        })
    }

    fn routes(&self, details: Details, destinations: &Chosen) -> Vec<Route> {
        let text = |number: u32| Text::from(self.names.text(number));
        let mut routes = Vec::with_capacity(details.routes.len());
        for ((way, rank), deliveries) in details.routes {
            routes.push(Route {
                origin: way.origin,
                first_server: text(way.first_server),
                last_server: text(way.last_server),
                outcome: outcome_of(way.outcome).unwrap_or_default(),
                destination: rank.map(|rank| text(destinations.rows[rank].0)),
                deliveries,
            });
        }
        routes.sort_by(|a, b| b.deliveries.cmp(&a.deliveries).then_with(|| a.key().cmp(&b.key())));
        routes
    }
}
