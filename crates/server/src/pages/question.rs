//! From what a page asks to a filter of the lake, and from a figure back to the filter text that its link carries.

use jiff::Timestamp;
use vigie_lake::{Dataset, Snapshot, Totals};
use vigie_model::{Micros, Outcome};
use vigie_query::{Context, Field, Filter};
use vigie_web::backend::{Failure, Problem, Scope, Status};

use super::{failure, stored};

/// A page's question: its filter, and the time it is about.
pub struct Question {
    pub q: String,
    /// Filter of the page, with its period.
    pub filter: Filter,
    context: Context,
    pub from: Micros,
    pub until: Micros,
    /// The period has a beginning that somebody chose.
    pub is_bounded: bool,
}

impl Question {
    pub fn of(scope: &Scope, snapshot: &Snapshot) -> Result<Self, Failure> {
        let now = Timestamp::now();
        let context = Context { now, zone: scope.zone.clone() };
        let mut filter = vigie_query::parse(&scope.q, &context).map_err(problems)?;
        if let Some((from, until)) = scope.period.range(now, &scope.zone) {
            let (from, until) = (from.as_microsecond(), until.as_microsecond());
            filter.period.from = Some(filter.period.from.map_or(from, |known| known.max(from)));
            filter.period.until = Some(filter.period.until.map_or(until, |known| known.min(until)));
        }
        let (first, last) = stored(snapshot).unwrap_or((0, 0));
        let is_bounded = filter.period.from.is_some();
        let from = filter.period.from.unwrap_or(first);
        let until = filter.period.until.unwrap_or(last + 1).max(from + 1);
        Ok(Self { q: scope.q.clone(), filter, context, from, until, is_bounded })
    }

    /// The filter with one more condition.
    pub fn and(&self, text: &str) -> Result<Filter, Failure> {
        let mut filter = self.filter.and(text, &self.context).map_err(problems)?;
        (filter.period.from, filter.period.until) = (self.filter.period.from, self.filter.period.until);
        Ok(filter)
    }

    /// Ordinary mail only, unless the filter says a class itself: bounces and probes are never mixed in silently.
    pub fn mail_only(&self) -> &'static str {
        if self.filter.mentions(Field::Class) { "" } else { "class:mail" }
    }

    /// The filter text for a link: what was typed, and these conditions.
    pub fn text(&self, conditions: &[&str]) -> Result<String, Failure> {
        let mut filter = vigie_query::parse(&self.q, &self.context).map_err(problems)?;
        for condition in conditions.iter().filter(|condition| !condition.is_empty()) {
            filter = filter.and(condition, &self.context).map_err(problems)?;
        }
        Ok(filter.to_string())
    }

    /// The filter with all these conditions.
    pub fn with(&self, conditions: &[&str]) -> Result<Filter, Failure> {
        let text = conditions.iter().copied().filter(|condition| !condition.is_empty()).collect::<Vec<_>>().join(" ");
        if text.is_empty() { Ok(self.filter.clone()) } else { self.and(&text) }
    }

    pub fn count(&self, snapshot: &Snapshot, filter: &Filter) -> Result<Totals, Failure> {
        snapshot.count(filter).map_err(|error| failure(error, &self.q))
    }

    pub fn is_about_rejections(&self) -> Result<bool, Failure> {
        Ok(Dataset::of(&self.filter).map_err(|error| failure(error, &self.q))? == Dataset::Rejections)
    }

    /// Refusals that the filter chooses; none where it asks for what a refusal cannot have.
    pub fn rejections(&self) -> Option<Filter> {
        let filter = self.and("status:rejected").ok()?;
        (Dataset::of(&filter).ok()? == Dataset::Rejections).then_some(filter)
    }
}

/// The problems of a filter text, for the page.
pub fn problems(problems: Vec<vigie_query::Problem>) -> Failure {
    let problem =
        |problem: vigie_query::Problem| Problem { span: problem.span, message: problem.message, hint: problem.hint };
    Failure::Filter(problems.into_iter().map(problem).collect())
}

pub fn status(outcome: Outcome) -> Status {
    match outcome {
        Outcome::Delivered | Outcome::Transferred => Status::Delivered,
        Outcome::Forwarded => Status::Forwarded,
        Outcome::Deferred => Status::Deferred,
        Outcome::Held => Status::Held,
        Outcome::Bounced => Status::Bounced,
        Outcome::Expired => Status::Expired,
        Outcome::Filtered => Status::Filtered,
        Outcome::Discarded => Status::Discarded,
        Outcome::Deleted => Status::Deleted,
    }
}
