//! The first page: tiles with change and sparkline, traffic over time, where mail goes, rankings.

use jiff::{Timestamp, ToSpan};
use rustc_hash::FxHashMap;
use vigie_lake::{LakeError, Leader, Leaders, Origin, Parts, Refusals, Route, Snapshot, Summary, TimeBucket};
use vigie_model::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_SECOND, Micros, Outcome};
use vigie_query::{Field, Filter, term_text};
use vigie_web::backend::{
    Counted, Dimension, FLOW_COLUMNS, Failure, Flow, FlowMap, FlowNode, Measure, NodeLabel, Overview, RankRow, Ranking,
    Scope, Series, Status, Tile, TimeSeries,
};

use super::{
    coverage, failure, joined,
    question::{Question, status},
    span, stored, stored_span, timestamp,
};

/// Buckets of the time series: as many as fit a wide screen.
const BUCKETS_MAX: Micros = 96;
/// Rows of a ranking on this page.
const RANK_ROWS: usize = 8;
/// Rows of a ranking on its own page.
const LONG_RANK_ROWS: usize = 200;
/// Domains that the flow map tells apart: as many as it has room for.
const DESTINATIONS: usize = 8;

/// What the series show, from the bottom up.
const SERIES: [(Status, &str, &[Outcome]); 4] = [
    (Status::Delivered, "status:delivered", &[Outcome::Delivered]),
    (Status::Deferred, "status:deferred,held", &[Outcome::Deferred, Outcome::Held]),
    (Status::Bounced, "status:bounced,expired", &[Outcome::Bounced, Outcome::Expired]),
    (Status::Filtered, "status:filtered,discarded,deleted", &[Outcome::Filtered, Outcome::Discarded, Outcome::Deleted]),
];

pub fn overview(scope: &Scope, snapshot: &Snapshot) -> Result<Overview, Failure> {
    let question = Question::of(scope, snapshot)?;
    let (coverage, read_hours) = coverage::summary(question.from, question.until, snapshot)?;
    let edges = edges(scope, &question);
    let page = Page { question: &question, snapshot, edges: &edges, read: read_buckets(&edges, &read_hours) };
    let (figures, previous) = std::thread::scope(|scope| {
        let previous = scope.spawn(|| page.previous());
        let figures = page.figures(&edges, Parts::All { leaders: RANK_ROWS, destinations: DESTINATIONS });
        (figures, joined(previous))
    });
    let (figures, previous) = (figures?, previous?);
    let mut rankings = vec![
        page.ranking(Dimension::Sender, &figures.mail.senders)?,
        page.ranking(Dimension::RecipientDomain, &figures.mail.recipient_domains)?,
    ];
    if figures.has_refusals {
        rankings.push(page.ranking(Dimension::RejectReason, &figures.refused.reasons)?);
    }
    Ok(Overview {
        span: span(question.from, question.until),
        stored: stored_span(snapshot),
        updated: Timestamp::now(),
        tiles: page.tiles(&figures, previous.as_ref())?,
        series: page.series(&figures)?,
        flows: page.flows(&figures.mail)?,
        rankings,
        coverage,
    })
}

/// A ranking on a page of its own.
pub fn long_ranking(scope: &Scope, dimension: Dimension, snapshot: &Snapshot) -> Result<Ranking, Failure> {
    let question = Question::of(scope, snapshot)?;
    let edges = [question.from, question.until];
    let page = Page { question: &question, snapshot, edges: &edges, read: Vec::new() };
    let figures = page.figures(&edges, Parts::All { leaders: LONG_RANK_ROWS, destinations: 0 })?;
    let leaders = match dimension {
        Dimension::Sender => &figures.mail.senders,
        Dimension::RecipientDomain => &figures.mail.recipient_domains,
        Dimension::RejectReason => &figures.refused.reasons,
    };
    Ok(Ranking { coverage: Some(coverage::of(&question, snapshot)?), ..page.ranking(dimension, leaders)? })
}

struct Page<'a> {
    question: &'a Question,
    snapshot: &'a Snapshot,
    edges: &'a [Micros],
    /// Was any line read in the bucket?
    read: Vec<bool>,
}

/// The figures of one period.
struct Figures {
    mail: Summary,
    refused: Refusals,
    /// Can a refusal have what the filter asks for?
    has_refusals: bool,
}

impl Figures {
    fn sum(&self, of: impl Fn(&TimeBucket) -> u64) -> f64 {
        self.mail.buckets.iter().map(of).sum::<u64>() as f64
    }

    fn outcomes(bucket: &TimeBucket, outcomes: &[Outcome]) -> u64 {
        let place = |outcome: &Outcome| Outcome::ALL.iter().position(|known| known == outcome).unwrap_or(0);
        outcomes.iter().map(|outcome| bucket.outcomes[place(outcome)]).sum()
    }

    fn refused(&self) -> f64 {
        self.refused.buckets.iter().map(|bucket| bucket.totals.deliveries).sum::<u64>() as f64
    }

    fn delivered_share(bucket: &[&TimeBucket]) -> Option<f64> {
        let sum =
            |outcomes: &[Outcome]| bucket.iter().map(|bucket| Self::outcomes(bucket, outcomes)).sum::<u64>() as f64;
        let all = bucket.iter().map(|bucket| bucket.totals.deliveries).sum::<u64>() as f64 - sum(&[Outcome::Forwarded]);
        (all > 0.0).then(|| sum(&[Outcome::Delivered]) / all)
    }
}

impl Page<'_> {
    fn fail(&self) -> impl Fn(vigie_lake::LakeError) -> Failure + '_ {
        |error| failure(error, &self.question.q)
    }

    fn figures(&self, edges: &[Micros], parts: Parts) -> Result<Figures, Failure> {
        let within = |mut filter: Filter| {
            (filter.period.from, filter.period.until) = (edges.first().copied(), edges.last().copied());
            filter
        };
        let is_about_rejections = self.question.is_about_rejections()?;
        let mail = if is_about_rejections {
            Summary::default()
        } else {
            let chosen = within(self.question.with(&[self.question.mail_only()])?);
            self.snapshot.summary(&chosen, edges, parts).map_err(self.fail())?
        };
        let reasons = match parts {
            Parts::All { leaders, .. } => leaders,
            Parts::Totals => 0,
        };
        let refused = self.question.rejections().map(|filter| self.snapshot.refusals(&within(filter), edges, reasons));
        let refused = match refused {
            // A delivery may have what a refusal lacks: the filter asks for deliveries then.
            Some(Err(LakeError::Unanswerable { .. })) if !is_about_rejections => None,
            refused => refused.transpose().map_err(self.fail())?,
        };
        Ok(Figures { mail, has_refusals: refused.is_some(), refused: refused.unwrap_or_default() })
    }

    /// The same figures for the time just before, where all of it was read.
    fn previous(&self) -> Result<Option<Figures>, Failure> {
        let (from, until) = (self.question.from, self.question.until);
        let before = from - (until - from);
        let known = stored(self.snapshot).is_some_and(|(first, _)| first <= before);
        if !self.question.is_bounded || !known {
            return Ok(None);
        }
        self.figures(&[before, from], Parts::Totals).map(Some)
    }

    fn tiles(&self, now: &Figures, before: Option<&Figures>) -> Result<Vec<Tile>, Failure> {
        let mail = self.question.mail_only();
        /// A tile: what it measures, the condition behind it, what it counts, its value, and that of a bucket.
        type Figure<'f> = (
            Measure,
            &'static str,
            Counted,
            &'f dyn Fn(&Figures) -> Option<f64>,
            &'f dyn Fn(&TimeBucket) -> Option<f64>,
        );
        let figures: [Figure<'_>; 6] = [
            (Measure::Messages, "", Counted::Messages, &|f| Some(f.sum(|b| b.totals.messages)), &|b| {
                Some(b.totals.messages as f64)
            }),
            (
                Measure::DeliveredShare,
                "status:delivered",
                Counted::Deliveries,
                &|f| Figures::delivered_share(&f.mail.buckets.iter().collect::<Vec<_>>()),
                &|b| Figures::delivered_share(&[b]),
            ),
            (
                Measure::Deferred,
                "status:deferred,held",
                Counted::Deliveries,
                &|f| Some(f.sum(|b| Figures::outcomes(b, SERIES[1].2))),
                &|b| Some(Figures::outcomes(b, SERIES[1].2) as f64),
            ),
            (Measure::Rejected, "", Counted::Rejections, &|f| Some(f.refused()), &|_| None),
            (
                Measure::DeliveryMedian,
                "status:delivered",
                Counted::Deliveries,
                &|f| f.mail.delivered.percentile(0.5).map(|ms| ms as f64),
                &|_| None,
            ),
            (Measure::Volume, "", Counted::Messages, &|f| Some(f.sum(|b| b.totals.bytes)), &|b| {
                Some(b.totals.bytes as f64)
            }),
        ];
        let mut tiles = Vec::new();
        for (measure, condition, counted, value, of_bucket) in figures {
            let buckets: Vec<Option<f64>> = match measure {
                Measure::Rejected => {
                    now.refused.buckets.iter().map(|bucket| Some(bucket.totals.deliveries as f64)).collect()
                }
                _ => now.mail.buckets.iter().map(of_bucket).collect(),
            };
            let filter = if counted == Counted::Rejections {
                self.question.text(&[])?
            } else {
                self.question.text(&[mail, condition])?
            };
            tiles.push(Tile {
                measure,
                value: value(now),
                previous: before.and_then(value),
                spark: self.with_gaps(buckets),
                filter,
                counted,
            });
        }
        Ok(tiles)
    }

    fn with_gaps<T>(&self, values: Vec<Option<T>>) -> Vec<Option<T>> {
        values.into_iter().zip(&self.read).map(|(value, read)| value.filter(|_| *read)).collect()
    }

    fn series(&self, figures: &Figures) -> Result<TimeSeries, Failure> {
        let mail = self.question.mail_only();
        let mut series = Vec::new();
        for (status, condition, outcomes) in SERIES {
            let values = figures.mail.buckets.iter().map(|bucket| Some(Figures::outcomes(bucket, outcomes))).collect();
            series.push(Series {
                status,
                values: self.with_gaps(values),
                filter: self.question.text(&[mail, condition])?,
                counted: Counted::Deliveries,
            });
        }
        let refused = figures.refused.buckets.iter().map(|bucket| Some(bucket.totals.deliveries)).collect();
        series.push(Series {
            status: Status::Rejected,
            values: self.with_gaps(refused),
            filter: self.question.text(&[])?,
            counted: Counted::Rejections,
        });
        series.retain(|series| series.values.len() + 1 == self.edges.len());
        let buckets = self.edges.iter().take(self.edges.len().saturating_sub(1)).map(|&edge| timestamp(edge)).collect();
        Ok(TimeSeries { buckets, until: timestamp(self.question.until), series })
    }

    fn ranking(&self, dimension: Dimension, leaders: &Leaders) -> Result<Ranking, Failure> {
        let (counted, condition) = match dimension {
            Dimension::Sender => (Counted::Messages, self.question.mail_only()),
            Dimension::RecipientDomain => (Counted::Deliveries, self.question.mail_only()),
            Dimension::RejectReason => (Counted::Rejections, ""),
        };
        let row = |leader: &Leader| {
            let deliveries = leader.deliveries.max(1) as f64;
            Ok(RankRow {
                label: leader.value.to_string(),
                count: leader.count,
                failed_share: (counted != Counted::Rejections).then(|| leader.failed as f64 / deliveries),
                spark: self.with_gaps(leader.trend.iter().map(|&count| Some(count as f64)).collect()),
                filter: self.question.text(&[condition, &leader_term(dimension, &leader.value)])?,
            })
        };
        let rows = leaders.rows.iter().map(row).collect::<Result<_, Failure>>()?;
        Ok(Ranking { by: dimension, rows, groups: leaders.values as u64, counted, coverage: None })
    }

    /// Origin, first server, last server, and where it ended.
    fn flows(&self, mail: &Summary) -> Result<FlowMap, Failure> {
        let filter = self.question.text(&[self.question.mail_only()])?;
        let mut map = FlowMap { filter, counted: Counted::Deliveries, ..FlowMap::default() };
        let mut places: [FxHashMap<String, u32>; FLOW_COLUMNS] = Default::default();
        for route in &mail.routes {
            let nodes = nodes(route, mail.other_destinations);
            let mut stops = [None; FLOW_COLUMNS];
            for (column, node) in nodes.into_iter().enumerate() {
                let next = map.columns[column].len() as u32;
                let place = *places[column].entry(node.term.clone()).or_insert(next);
                if place == next {
                    map.columns[column].push(node);
                }
                stops[column] = Some(place);
            }
            map.flows.push(Flow { stops, count: route.deliveries, status: status(route.outcome) });
        }
        Ok(map)
    }
}

/// The condition that finds what a ranked value counts.
fn leader_term(dimension: Dimension, value: &str) -> String {
    match dimension {
        Dimension::RecipientDomain if !value.is_empty() => format!("to:@{value}"),
        Dimension::RecipientDomain => term_text(Field::To, value),
        Dimension::Sender => term_text(Field::From, value),
        Dimension::RejectReason => term_text(Field::Reason, value),
    }
}

fn nodes(route: &Route, other_destinations: usize) -> [FlowNode; FLOW_COLUMNS] {
    let (label, term) = match route.origin {
        Origin::Outside => (NodeLabel::Internet, "direction:in,relay"),
        Origin::User => (NodeLabel::AuthenticatedUser, "direction:out,internal user:*"),
        Origin::Process => (NodeLabel::LocalProcess, "direction:out,internal -user:*"),
    };
    let name = |field, value: &str| FlowNode::one(NodeLabel::Name(value.to_owned()), term_text(field, value));
    [
        FlowNode::one(label, term.to_owned()),
        name(Field::Entry, &route.first_server),
        name(Field::Exit, &route.last_server),
        destination(route, other_destinations),
    ]
}

fn destination(route: &Route, others: usize) -> FlowNode {
    match (route.outcome, route.destination.as_deref()) {
        (Outcome::Delivered, None) => FlowNode::bundle(others as u64, "status:delivered".to_owned()),
        (Outcome::Delivered, Some("")) => FlowNode::one(NodeLabel::Unknown, "status:delivered to=\"\"".to_owned()),
        (Outcome::Delivered, Some(domain)) => {
            FlowNode::one(NodeLabel::Name(domain.to_owned()), format!("status:delivered to:@{domain}"))
        }
        (outcome, _) => {
            // As in the series: a few words, so that domains have room beside them.
            let series = SERIES.iter().find(|(.., outcomes)| outcomes.contains(&outcome));
            let (status, term) =
                series.map_or((Status::Forwarded, "status:forwarded"), |(status, term, _)| (*status, *term));
            FlowNode::one(NodeLabel::Status(status), term.to_owned())
        }
    }
}

/// Edges of the buckets: the period's ends, and round times of the reader's zone between.
fn edges(scope: &Scope, question: &Question) -> Vec<Micros> {
    /// In seconds.
    const SIZES: [Micros; 15] =
        [1, 5, 15, 60, 120, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 7 * 86_400, 28 * 86_400];
    let (from, until) = (question.from, question.until);
    let size =
        SIZES.iter().map(|seconds| seconds * MICROS_PER_SECOND).find(|size| (until - from) / size <= BUCKETS_MAX);
    let size = size.unwrap_or((until - from) / BUCKETS_MAX / MICROS_PER_DAY * MICROS_PER_DAY + MICROS_PER_DAY);
    let mut edges = vec![from];
    let Some(midnight) = timestamp(from).to_zoned(scope.zone.clone()).start_of_day().ok() else {
        return vec![from, until];
    };
    let days = (size / MICROS_PER_DAY).max(1);
    let mut day = midnight;
    while day.timestamp().as_microsecond() < until && edges.len() <= 4 * BUCKETS_MAX as usize {
        let Ok(next) = day.checked_add(days.days()) else { break };
        let (begin, end) = (day.timestamp().as_microsecond(), next.timestamp().as_microsecond());
        let mut at = begin;
        while at < end.min(until) {
            if at > from {
                edges.push(at);
            }
            at += size.min(days * 2 * MICROS_PER_DAY);
        }
        day = next;
    }
    edges.push(until);
    edges.dedup();
    edges
}

/// For each bucket, whether an hour that it touches had lines.
fn read_buckets(edges: &[Micros], hours: &[Micros]) -> Vec<bool> {
    let touched = |pair: &[Micros]| {
        let first = hours.partition_point(|&hour| hour + MICROS_PER_HOUR <= pair[0]);
        hours.get(first).is_some_and(|&hour| hour < pair[1])
    };
    edges.windows(2).map(touched).collect()
}
