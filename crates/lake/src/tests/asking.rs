//! Questions: the stored rows that a filter chooses are those that the filter language chooses in memory.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use vigie_model::{
    Arrival, Attachment, Content, Delivery, Direction, Journey, MailClass, Outcome, Rejection, Step, Text,
};
use vigie_query::{Cell, Context, Field, Filter, Row, matches, parse};

use super::samples::*;
use crate::{Compaction, Cursor, Dimension, Lake, LakeError, Measure, Origin, Parts, Snapshot, Totals};

fn filter(text: &str) -> Filter {
    let zone = jiff_zone();
    parse(text, &zone).unwrap_or_else(|problems| panic!("{text}: {problems:?}"))
}

fn jiff_zone() -> Context {
    Context { now: Default::default(), zone: jiff::tz::TimeZone::UTC }
}

/// A row of `deliveries` as the filter language sees it.
struct InMemory<'a> {
    journey: &'a Journey,
    delivery: &'a Delivery,
    queue_ids: Vec<String>,
}

impl Row for InMemory<'_> {
    fn cell(&self, field: Field) -> Cell<'_> {
        let (j, d) = (self.journey, self.delivery);
        let amount = |n: Option<u64>| n.map_or(Cell::Missing, Cell::Amount);
        match field {
            Field::From => Cell::Text(&j.sender),
            Field::To => Cell::Text(&d.recipient),
            Field::Orig if d.orig_recipient.is_empty() => Cell::Text(&d.recipient),
            Field::Orig => Cell::Text(&d.orig_recipient),
            Field::Subject => Cell::Text(&j.subject),
            Field::MessageId => Cell::Text(&j.message_id),
            Field::QueueId => Cell::Texts(self.queue_ids.iter().map(String::as_str).collect()),
            Field::Id => Cell::Text(&j.id),
            Field::Server => Cell::Texts(j.steps.iter().map(|step| &*step.server).collect()),
            Field::Size => amount(j.size),
            Field::Recipients => Cell::Amount(j.deliveries.len() as u64),
            Field::Delay => amount(d.delivery_ms),
            Field::Status => Cell::Text(d.outcome.as_str()),
            Field::Class => Cell::Text(j.class.as_str()),
            Field::Direction => Cell::Text(d.direction.as_str()),
            Field::Client => Cell::Texts(vec![&j.client_name, &j.client_ip]),
            Field::Ip => Cell::Text(&j.client_ip),
            Field::Helo => Cell::Text(&j.helo),
            Field::User => Cell::Text(&j.user),
            Field::Relay => match d.relay.split_once('[') {
                Some((name, ip)) => Cell::Texts(vec![name, ip.split(']').next().unwrap_or_default()]),
                None => Cell::Text(&d.relay),
            },
            Field::Dsn => Cell::Text(&d.dsn),
            Field::Reason => Cell::Text(&d.reply),
            Field::Hops => Cell::Amount(j.steps.len() as u64),
            Field::Attempts => Cell::Amount(d.attempts.into()),
            Field::Tls => Cell::Flag(d.tls),
            Field::Entry => Cell::Text(j.steps.first().map_or("", |step| &*step.server)),
            Field::Exit => Cell::Text(&d.server),
            Field::Code | Field::Any => Cell::Missing,
            inside => j.content.as_deref().map_or(Cell::Missing, |content| content_cell(content, inside)),
        }
    }
}

fn content_cell(content: &Content, field: Field) -> Cell<'_> {
    match field {
        Field::Attachment => Cell::Texts(content.attachments.iter().map(|a| &*a.name).collect()),
        Field::AttachmentType => Cell::Texts(content.attachments.iter().map(|a| &*a.declared).collect()),
        Field::AttachmentSize => content.attachments.iter().map(|a| a.size).max().map_or(Cell::Missing, Cell::Amount),
        Field::Attachments => Cell::Amount(content.attachments.len() as u64),
        Field::HeaderFrom => Cell::Text(&content.header_from),
        Field::List => Cell::Flag(content.list),
        Field::Auto => Cell::Flag(content.automatic),
        Field::Signed => Cell::Flag(!content.signed.is_empty()),
        Field::Encrypted => Cell::Flag(!content.encrypted.is_empty()),
        _ => Cell::Missing,
    }
}

fn one_of(words: &'static [&'static str]) -> impl Strategy<Value = Text> {
    prop::sample::select(words).prop_map(Into::into)
}

const ADDRESSES: &[&str] = &[
    "",
    "bob@example.com",
    "Bob@Example.com",
    "laurent@mail.example.com",
    "Éva@example.fr",
    "root",
    "laurent@us.ibm.com",
];
const SUBJECTS: &[&str] = &["", "Ordre de mission", "ordre été", "Re: ORDRE", "Bonjour", "\u{212a}ordre"];
const SERVERS: &[&str] = &["hub1", "hub1.example.com", "MX2", "mx10"];

prop_compose! {
    fn delivery()(
        recipient in one_of(ADDRESSES), orig_recipient in one_of(ADDRESSES), outcome in prop::sample::select(Outcome::ALL.to_vec()),
        dsn in one_of(&["", "2.0.0", "5.1.1", "5.1"]), reply in one_of(&["", "250 Ok", "user unknown"]),
        relay in one_of(&["", "mx.example.com[192.0.2.7]:25", "local"]), delivery_ms in prop::option::of(0u64..60_000), attempts in 0u32..4,
        server in one_of(SERVERS), tls in any::<bool>(), direction in prop::sample::select(vec![Direction::In, Direction::Out]),
    ) -> Delivery {
        Delivery { recipient, orig_recipient, outcome, dsn, reply, relay, delivery_ms, attempts, tls, direction, server, ..Delivery::default() }
    }
}

prop_compose! {
    fn content()(
        header_from in one_of(ADDRESSES), list in any::<bool>(), automatic in any::<bool>(), signed in one_of(&["", "pgp"]),
        encrypted in one_of(&["", "s/mime"]), sizes in prop::collection::vec(0u64..4_000_000, 0..3),
    ) -> Content {
        let attachment = |size| Attachment { name: format!("Plan {size}.pdf").into(), declared: "application/pdf".into(), size, ..Attachment::default() };
        Content { header_from, list, automatic, signed, encrypted, attachments: sizes.into_iter().map(attachment).collect(), ..Content::default() }
    }
}

prop_compose! {
    fn found_journey()(
        sender in one_of(ADDRESSES), subject in one_of(SUBJECTS), client_name in one_of(&["unknown", "mail.example.org"]),
        client_ip in one_of(&["", "192.0.2.1", "192.0.2.17"]), user in one_of(&["", "Laurent"]), servers in prop::collection::vec(one_of(SERVERS), 0..3),
        size in prop::option::of(0u64..3_000_000), minutes in 0i64..4_000, class in prop::sample::select(vec![MailClass::Mail, MailClass::Probe]),
        deliveries in prop::collection::vec(delivery(), 1..4), content in prop::option::of(content()),
    ) -> Journey {
        let steps = servers.into_iter().enumerate().map(|(n, server)| Step { server, queue_id: Some(queue_id(n as u64)), ..Step::default() });
        let first_arrival = DAY0 + minutes * HOUR / 60;
        Journey {
            sender, subject, client_name, client_ip, user, size, class, arrival: Arrival::Server, first_arrival, last_seen: first_arrival,
            content: content.map(Box::new), message_id: "Ab1@example.org".into(), helo: "HELO.example".into(), steps: steps.collect(), deliveries, ..Journey::default()
        }
    }
}

const FILTERS: &[&str] = &[
    "",
    "from:bob",
    "from:bob@example.com",
    "from:@example.com",
    "from:@*.ibm.com",
    "from:<>",
    "from:l*@*com",
    "-from:laurent",
    "to:Bob@EXAMPLE.com",
    "to:@example.fr,@us.ibm.com",
    "to:éva",
    "-to:*",
    "orig:bob@example.com",
    "orig:@example.com -orig:bob",
    "subject:ordre",
    "subject:\"ordre été\"",
    "subject:ORDRE*",
    "subject=\"\"",
    "subject:* -subject:ordre",
    "subject:kordre",
    "message-id:Ab1@example.org",
    "message-id:ab1@example.org",
    "queue-id:00000000001",
    "-queue-id:00000000000",
    "id:0000000000000003",
    "server:hub1",
    "server:mx2,mx10",
    "-server:hub1",
    "size>1MB",
    "-size>1MB",
    "size<=500KB or size>2MB",
    "recipients:2",
    "recipients>1 recipients<3",
    "delay>=30s",
    "-delay<30s",
    "status:bounced,expired",
    "-status:delivered",
    "attachment:plan",
    "-attachment:\"plan 1\"",
    "attachment.type:pdf attachment.size>1MB",
    "attachments>=2",
    "-attachments>0",
    "header-from:bob",
    "list:yes or auto:no",
    "-signed:no encrypted:yes",
    "class:probe",
    "-class:probe direction:in",
    "client:mail.example.org",
    "client:192.0.2.1",
    "ip:192.0.2.",
    "helo:helo",
    "user:laurent",
    "relay:mx",
    "relay:192.0.2.7",
    "relay:local",
    "dsn:5",
    "dsn:5.1 -dsn:5.1.1",
    "reason:unknown",
    "hops:2",
    "attempts>1",
    "entry:hub1",
    "exit:mx2",
    "-exit:mx10 entry:hub1",
    "tls:yes",
    "-tls:yes or tls:no",
    "bob",
    "laurent ordre",
    "@example.com",
    "192.0.2.1",
    "bob@example.com",
    "(from:bob or to:bob) -(status:delivered tls:no)",
    "not (size>1MB or delay>10s)",
];

fn lake_with(rows: &[Journey]) -> (tempfile::TempDir, Lake) {
    let (dir, lake) = lake();
    let mut writer = lake.writer().expect("a writer");
    for rows in rows.chunks(rows.len().div_ceil(3).max(1)) {
        store(&mut writer, |commit| {
            commit.journeys(rows);
        });
    }
    if rows.len().is_multiple_of(2) {
        writer.compact(Compaction::All).expect("compacted");
    }
    (dir, lake)
}

type Key = (i64, Text, u32);

/// What the filter language chooses, newest first.
fn wanted<'a>(rows: &'a [Journey], filter: &Filter) -> Vec<(Key, &'a Journey, &'a Delivery)> {
    let mut chosen = Vec::new();
    for journey in rows.iter().filter(|journey| filter.period.contains(journey.first_arrival)) {
        for (seq, delivery) in journey.deliveries.iter().enumerate() {
            let queue_ids = journey.steps.iter().flat_map(|step| step.queue_id).map(|id| id.to_string()).collect();
            let row = InMemory { journey, delivery, queue_ids };
            if filter.expr.as_ref().is_none_or(|expr| matches(expr, &row)) {
                chosen.push(((-journey.first_arrival, journey.id.clone(), seq as u32), journey, delivery));
            }
        }
    }
    chosen.sort_by(|a, b| a.0.cmp(&b.0));
    chosen
}

fn totals<'a>(rows: impl Iterator<Item = (&'a Journey, &'a Delivery)>) -> Totals {
    let mut messages = BTreeMap::new();
    let mut totals = Totals::default();
    for (journey, _) in rows {
        totals.deliveries += 1;
        messages.insert(&journey.id, journey.size.unwrap_or(0));
    }
    Totals { messages: messages.len() as u64, bytes: messages.values().sum(), ..totals }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_filter_chooses_what_it_chooses_in_memory(mut rows in prop::collection::vec(found_journey(), 1..120)) {
        for (n, row) in rows.iter_mut().enumerate() {
            row.id = format!("{n:016x}").into();
        }
        let (_dir, lake) = lake_with(&rows);
        let snapshot = lake.snapshot()?;
        for text in FILTERS {
            let filter = filter(text);
            let wanted = wanted(&rows, &filter);
            let keys: Vec<Key> = wanted.iter().map(|(key, ..)| key.clone()).collect();
            prop_assert_eq!(pages(&snapshot, &filter, 1_000), keys.clone(), "{}", text);
            prop_assert_eq!(snapshot.count(&filter)?, totals(wanted.iter().map(|(_, j, d)| (*j, *d))), "{}", text);
            check_times(&snapshot, &filter, &wanted)?;
            check_tops(&snapshot, &filter, &wanted)?;
            let times = wanted.iter().filter_map(|(_, _, d)| d.delivery_ms);
            let delays = snapshot.delays(&filter)?;
            prop_assert_eq!((delays.count(), delays.max_ms()), (times.clone().count() as u64, times.max()), "{}", text);
        }
        let all = wanted(&rows, &filter(""));
        prop_assert_eq!(pages(&snapshot, &filter(""), 7), all.into_iter().map(|(key, ..)| key).collect::<Vec<_>>());
    }
}

/// All pages of this many rows.
fn pages(snapshot: &Snapshot, filter: &Filter, limit: usize) -> Vec<Key> {
    let mut found = Vec::new();
    let mut cursor: Option<Cursor> = None;
    loop {
        let page = snapshot.search(filter, limit, cursor.as_ref()).expect("a page");
        assert!(page.rows.len() <= limit);
        found.extend(page.rows.iter().map(|row| (-row.first_arrival, row.journey_id.clone(), row.seq)));
        match page.next {
            Some(next) => cursor = Some(next.to_string().parse().expect("a cursor")),
            None => return found,
        }
    }
}

fn check_times(
    snapshot: &Snapshot,
    filter: &Filter,
    wanted: &[(Key, &Journey, &Delivery)],
) -> Result<(), TestCaseError> {
    let edges: Vec<i64> = (0..4).map(|n| DAY0 + n * 20 * HOUR).collect();
    let buckets = snapshot.by_time(filter, &edges)?;
    prop_assert_eq!(buckets.len(), 3);
    for (n, bucket) in buckets.iter().enumerate() {
        let inside = wanted.iter().filter(|(_, j, _)| (edges[n]..edges[n + 1]).contains(&j.first_arrival));
        prop_assert_eq!(bucket.totals, totals(inside.map(|(_, j, d)| (*j, *d))), "{}", filter);
        prop_assert_eq!(bucket.outcomes.iter().sum::<u64>(), bucket.totals.deliveries);
    }
    Ok(())
}

fn check_tops(
    snapshot: &Snapshot,
    filter: &Filter,
    wanted: &[(Key, &Journey, &Delivery)],
) -> Result<(), TestCaseError> {
    let domain =
        |address: &str| address.to_lowercase().rsplit_once('@').map_or(String::new(), |(_, domain)| domain.into());
    let values: BTreeSet<String> = wanted.iter().map(|(_, _, d)| domain(&d.recipient)).collect();
    let ranking = snapshot.top(filter, Dimension::RecipientDomain, Measure::Deliveries, 2)?;
    prop_assert_eq!(ranking.values, values.len(), "{}", filter);
    let all = snapshot.top(filter, Dimension::RecipientDomain, Measure::Messages, 100)?;
    prop_assert!(all.rows.is_sorted_by_key(|row| std::cmp::Reverse(row.totals.messages)));
    for row in &all.rows {
        let inside = wanted.iter().filter(|(_, _, d)| domain(&d.recipient) == *row.value);
        prop_assert_eq!(row.totals, totals(inside.map(|(_, j, d)| (*j, *d))), "{} {}", filter, row.value);
    }
    Ok(())
}

fn rejections() -> (tempfile::TempDir, Lake) {
    let (dir, lake) = lake();
    let rows: Vec<Rejection> = (0..50)
        .map(|n| Rejection {
            ts: DAY0 + n / 2 * HOUR,
            server: "mx2".into(),
            client_ip: format!("192.0.2.{}", n % 5).into(),
            sender: "Spam@Example.org".into(),
            recipient: format!("user{n}@example.com").into(),
            code: if n % 10 == 0 { 0 } else { 550 + (n % 2) as u16 * 4 },
            reason: "User unknown".into(),
            text: format!("NOQUEUE: reject: line {n}").into(),
            ..Rejection::default()
        })
        .collect();
    store(&mut lake.writer().expect("a writer"), |commit| {
        commit.rejections(&rows);
    });
    (dir, lake)
}

#[test]
fn refusals_are_searched_and_counted() {
    let (_dir, lake) = rejections();
    let snapshot = lake.snapshot().expect("a snapshot");
    let count = |text: &str| snapshot.count(&filter(text)).expect("a count").deliveries;
    assert_eq!(count("status:rejected"), 50);
    assert_eq!(count("status:rejected from:spam@example.org"), 50);
    assert_eq!(count("status:rejected to:user7@example.com"), 1);
    assert_eq!(count("status:rejected code:550"), 20);
    assert_eq!(count("status:rejected -code:554"), 25);
    assert_eq!(count("status:rejected reason:\"line 4\""), 11);
    assert_eq!(count("status:rejected ip:192.0.2.3"), 10);
    assert_eq!(count("status:rejected"), 50);
    let top = snapshot.top(&filter("status:rejected"), Dimension::Code, Measure::Deliveries, 1).expect("a ranking");
    assert_eq!((&*top.rows[0].value, top.rows[0].totals.deliveries, top.values), ("554", 25, 3));
    let first = snapshot.search_rejections(&filter("ip:192.0.2.3"), 4, None).expect("a page");
    let second = snapshot.search_rejections(&filter("ip:192.0.2.3"), 100, first.next.as_ref()).expect("a page");
    assert_eq!((first.rows.len(), second.rows.len(), second.next), (4, 6, None));
    assert!(first.rows.iter().chain(&second.rows).map(|row| row.ts).is_sorted_by(|a, b| a > b));
}

#[test]
fn what_a_dataset_lacks_is_said() {
    let (_dir, lake) = rejections();
    let snapshot = lake.snapshot().expect("a snapshot");
    for (text, said) in [
        ("status:rejected subject:x", "subject"),
        ("code:550", "code"),
        ("status:rejected,bounced", "mixed"),
        ("-status:rejected", "mixed"),
    ] {
        let Err(e @ LakeError::Unanswerable { .. }) = snapshot.count(&filter(text)) else { panic!("{text}") };
        assert!(e.to_string().contains(said) && e.hint().is_some(), "{text}: {e}");
    }
    assert!(snapshot.search(&filter("status:rejected"), 1, None).is_err());
    assert!(snapshot.top(&filter("status:rejected"), Dimension::Subject, Measure::Messages, 1).is_err());
    assert!(snapshot.delays(&filter("status:rejected")).is_err());
}

#[test]
fn routes_are_counted_by_their_four_stops() {
    let message = |n: u64, arrival, outcomes: &[(Outcome, &str)]| {
        let mut message = journey(n, DAY0 + n as i64, outcomes.len());
        message.arrival = arrival;
        for (delivery, (outcome, recipient)) in message.deliveries.iter_mut().zip(outcomes) {
            (delivery.outcome, delivery.recipient) = (*outcome, (*recipient).into());
        }
        message
    };
    use Outcome::{Bounced, Delivered};
    let (_dir, lake) = lake_with(&[
        message(
            1,
            Arrival::Server,
            &[(Delivered, "ann@example.com"), (Delivered, "Bob@Example.com"), (Bounced, "x@example.com")],
        ),
        message(2, Arrival::User, &[(Delivered, "carl@example.net")]),
        message(3, Arrival::Local, &[(Delivered, "root@example.com")]),
        message(4, Arrival::Server, &[(Delivered, "ann@example.com")]),
    ]);
    let snapshot = lake.snapshot().expect("a snapshot");
    let edges = [DAY0, DAY0 + HOUR];
    let routes = |text: &str| -> Vec<(Origin, Option<String>, Outcome, u64)> {
        let parts = Parts::All { leaders: 0, destinations: 2 };
        let routes = snapshot.summary(&filter(text), &edges, parts).expect("a summary").routes;
        assert!(routes.iter().all(|route| (&*route.first_server, &*route.last_server) == ("hub1", "mx2")));
        routes.into_iter().map(|r| (r.origin, r.destination.map(Into::into), r.outcome, r.deliveries)).collect()
    };
    let com = || Some("example.com".to_owned());
    let all = [
        (Origin::Outside, com(), Delivered, 3),
        (Origin::Outside, None, Bounced, 1),
        (Origin::User, Some("example.net".to_owned()), Delivered, 1),
        (Origin::Process, com(), Delivered, 1),
    ];
    assert_eq!(routes(""), all);
    assert_eq!(routes("to:@example.net"), all[2..3]);
    assert_eq!(routes("status:bounced"), all[1..2]);
    assert_eq!(routes("from:nobody@example.net"), []);
}

#[test]
fn the_server_table_adds_up_the_hops_of_the_period() {
    let (_dir, lake) = lake_with(&[journey(1, DAY0, 3), journey(2, DAY0 + 1, 1), journey(3, DAY0 + 90 * HOUR, 1)]);
    let snapshot = lake.snapshot().expect("a snapshot");
    let servers = |from, until| -> Vec<(String, u64, u64)> {
        let servers = snapshot.servers(from, until).expect("servers");
        servers.into_iter().map(|(name, counts)| (name.into(), counts.received_from_servers, counts.global())).collect()
    };
    let each = |count| vec![("hub1".to_owned(), count, count), ("mx2".to_owned(), count, count)];
    assert_eq!(servers(DAY0 - HOUR, DAY0 + 100 * HOUR), each(3));
    assert_eq!(servers(DAY0 + 1, DAY0 + HOUR), each(1));
    assert_eq!(servers(0, DAY0), []);
}

#[test]
fn an_empty_lake_answers() {
    let (_dir, lake) = lake();
    let snapshot = lake.snapshot().expect("a snapshot");
    let all = filter("");
    assert_eq!(snapshot.count(&all).expect("a count"), Totals::default());
    assert_eq!(snapshot.search(&all, 10, None).expect("a page"), Default::default());
    assert_eq!(snapshot.by_time(&all, &[]).expect("times"), []);
    assert_eq!(snapshot.by_time(&all, &[0, 10]).expect("times").len(), 1);
    assert_eq!(snapshot.top(&all, Dimension::Sender, Measure::Messages, 5).expect("a ranking"), Default::default());
}
