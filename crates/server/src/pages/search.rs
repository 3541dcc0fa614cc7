//! Lists: deliveries that a filter chooses, and refusals.

use vigie_lake::{Cursor, DeliveryRow, Dimension as By, Measure, Order, Ranking as Ranked, Snapshot};
use vigie_model::{MailClass, Rejection};
use vigie_query::{Field, Filter, term_text};
use vigie_web::backend::{
    Class, Counted, Dimension, Failure, PageRequest, RankRow, Ranking, RejectionPage, RejectionRow, Scope, SearchPage,
    SearchRow, Sort, Status, Totals,
};

use super::{
    coverage, failure, joined,
    question::{Question, status},
    some, span, stored_span, timestamp,
};

/// Reasons shown above the list of refusals.
const REASONS: usize = 8;

pub fn search(scope: &Scope, page: &PageRequest, snapshot: &Snapshot) -> Result<SearchPage, Failure> {
    let question = Question::of(scope, snapshot)?;
    let fail = |error| failure(error, &question.q);
    let (cursor, before) = cursor(page.after.as_deref())?;
    let limit = page.limit as usize;
    let is_about_rejections = question.is_about_rejections()?;
    // Three questions to different rows: a person waits for the longest, not for their sum.
    let (rejections, totals, covered, found) = std::thread::scope(|scope| {
        let covered = scope.spawn(|| coverage::of(&question, snapshot));
        let rejections = scope.spawn(|| {
            let filter = question.rejections()?;
            snapshot.count(&filter).ok().map(|totals| totals.deliveries)
        });
        let totals = scope.spawn(|| match is_about_rejections {
            true => Ok(vigie_lake::Totals::default()),
            false => question.count(snapshot, &question.filter),
        });
        let found = match is_about_rejections {
            true => snapshot
                .search_rejections(&question.filter, limit, cursor.as_ref())
                .map(|found| (found.rows.iter().map(refused_row).collect(), found.next)),
            false => snapshot
                .search_by(&question.filter, order(page.sort), limit, cursor.as_ref())
                .map(|found| (found.rows.iter().map(row).collect(), found.next)),
        };
        (joined(rejections), joined(totals), joined(covered), found.map_err(fail))
    });
    let (rows, next): (Vec<SearchRow>, _) = found?;
    let totals = totals?;
    Ok(SearchPage {
        span: span(question.from, question.until),
        stored: stored_span(snapshot),
        coverage: covered?,
        totals: Totals {
            messages: totals.messages,
            deliveries: totals.deliveries,
            rejections: rejections.unwrap_or_default(),
        },
        listed: if is_about_rejections { Counted::Rejections } else { Counted::Deliveries },
        first: before + 1,
        next: next.map(|next| format!("{next}-{}", before + rows.len() as u64)),
        rows,
    })
}

fn order(sort: Sort) -> Order {
    match sort {
        Sort::Newest => Order::Newest,
        Sort::Oldest => Order::Oldest,
        Sort::Slowest => Order::Slowest,
        Sort::Largest => Order::Largest,
    }
}

/// The page's cursor is the lake's, and how many rows stood before it.
fn cursor(after: Option<&str>) -> Result<(Option<Cursor>, u64), Failure> {
    let Some(after) = after else { return Ok((None, 0)) };
    let read = || {
        let (cursor, before) = after.rsplit_once('-')?;
        Some((cursor.parse().ok()?, before.parse().ok()?))
    };
    read().map(|(cursor, before)| (Some(cursor), before)).ok_or(Failure::Cursor)
}

fn row(row: &DeliveryRow) -> SearchRow {
    SearchRow {
        class: match row.class {
            MailClass::Mail => Class::Mail,
            MailClass::Bounce => Class::Bounce,
            MailClass::Probe => Class::Probe,
        },
        id: row.journey_id.to_string(),
        time: timestamp(row.first_arrival),
        sender: row.sender.to_string(),
        recipient: row.recipient.to_string(),
        recipients_more: 0,
        subject: some(&row.subject),
        status: status(row.outcome),
        server: row.server.to_string(),
        delivery_ms: row.delivery_ms,
        bytes: row.size,
    }
}

fn refused_row(row: &Rejection) -> SearchRow {
    SearchRow {
        class: Class::Mail,
        // Nothing was accepted, so there is no message to open.
        id: String::new(),
        time: timestamp(row.ts),
        sender: row.sender.to_string(),
        recipient: row.recipient.to_string(),
        recipients_more: 0,
        subject: some(&row.reason),
        status: Status::Rejected,
        server: row.server.to_string(),
        delivery_ms: None,
        bytes: None,
    }
}

pub fn rejections(scope: &Scope, page: &PageRequest, snapshot: &Snapshot) -> Result<RejectionPage, Failure> {
    let question = Question::of(scope, snapshot)?;
    let fail = |error| failure(error, &question.q);
    let filter = question.and("status:rejected")?;
    let (cursor, before) = cursor(page.after.as_deref())?;
    let total = snapshot.count(&filter).map_err(fail)?.deliveries;
    let found = snapshot.search_rejections(&filter, page.limit as usize, cursor.as_ref()).map_err(fail)?;
    let rows: Vec<RejectionRow> = found.rows.iter().map(rejection).collect();
    Ok(RejectionPage {
        span: span(question.from, question.until),
        stored: stored_span(snapshot),
        coverage: coverage::of(&question, snapshot)?,
        total,
        reasons: reasons(&question, &filter, snapshot, REASONS)?,
        first: before + 1,
        next: found.next.map(|next| format!("{next}-{}", before + rows.len() as u64)),
        rows,
    })
}

/// Reasons of the refusals that `filter` chooses, most frequent first.
pub fn reasons(question: &Question, filter: &Filter, snapshot: &Snapshot, rows: usize) -> Result<Ranking, Failure> {
    let ranked: Ranked =
        snapshot.top(filter, By::Reason, Measure::Deliveries, rows).map_err(|error| failure(error, &question.q))?;
    let mut ranking = Ranking {
        by: Dimension::RejectReason,
        rows: Vec::new(),
        groups: ranked.values as u64,
        counted: Counted::Rejections,
        coverage: None,
    };
    for row in &ranked.rows {
        ranking.rows.push(RankRow {
            label: row.value.to_string(),
            count: row.totals.deliveries,
            failed_share: None,
            spark: Vec::new(),
            filter: question.text(&[&term_text(Field::Reason, &row.value)])?,
        });
    }
    Ok(ranking)
}

fn rejection(row: &Rejection) -> RejectionRow {
    RejectionRow {
        time: timestamp(row.ts),
        server: row.server.to_string(),
        client_name: some(&row.client_name),
        client_ip: some(&row.client_ip),
        helo: some(&row.helo),
        sender: some(&row.sender),
        recipient: some(&row.recipient),
        code: (row.code != 0).then_some(row.code),
        dsn: some(&row.dsn),
        reason: row.reason.to_string(),
        reply: row.text.to_string(),
    }
}
