//! Lines as statements.

use super::*;
use crate::envelope::{Scratch, parse};

const ID: &str =
    "id=5ecb6b5a-0d0e-4b0f-9f3c-08de2a1b3c4d|senderAddress=ann@example.com|recipientAddress=bob@example.net";

fn with<T>(columns: &str, look: impl FnOnce(Record<'_>) -> T) -> T {
    let line = format!("2026-03-02T10:00:02Z microsoft365 microsoft365: {}", columns.replace('|', "\t"));
    let mut scratch = Scratch::default();
    let envelope = parse(line.as_bytes(), &mut scratch).expect("an envelope");
    look(crate::read(&envelope))
}

fn stated<T>(columns: &str, look: impl FnOnce(&Statement<'_>) -> T) -> T {
    with(columns, |record| match record {
        Record::Statement(statement) => look(&statement),
        other => panic!("{columns}: {other:?}"),
    })
}

#[test]
fn the_trace_id_names_the_message_here_and_in_the_organisation() {
    stated(&format!("{ID}|status=delivered"), |statement| {
        assert_eq!(statement.queue_id.as_str(), "5ecb6b5a0d0e4b0f9f3c08de2a1b3c4d");
        assert_eq!(statement.network_id, b"5ecb6b5a-0d0e-4b0f-9f3c-08de2a1b3c4d");
    });
}

#[test]
fn states_and_what_they_come_to() {
    for (status, outcome) in [
        ("delivered", Some(Outcome::Delivered)),
        ("expanded", Some(Outcome::Forwarded)),
        ("failed", Some(Outcome::Bounced)),
        ("filteredAsSpam", Some(Outcome::Filtered)),
        ("quarantined", Some(Outcome::Filtered)),
        ("pending", None),
        ("gettingStatus", None),
    ] {
        stated(&format!("{ID}|status={status}"), |statement| {
            assert_eq!(statement.word.as_ref().map(|word| word.status), outcome.map(Status::Final), "{status}");
            assert_eq!(statement.awaited.count(), usize::from(outcome.is_none()), "{status}");
            assert_eq!(statement.word.as_ref().map_or(0, |word| word.tries), 0, "nobody said when");
        });
    }
}

#[test]
fn addresses_of_servers_say_where_mail_came_from_and_went() {
    for (columns, arrival, transport) in [
        ("fromIP=198.51.100.77|toIP=-", Arrival::Server, &b"store"[..]),
        ("fromIP=-|toIP=203.0.113.9", Arrival::User, b"smtp"),
        ("fromIP=198.51.100.77|toIP=203.0.113.9|directionality=originating", Arrival::User, b"smtp"),
        ("directionality=incoming", Arrival::Server, b""),
        ("", Arrival::Unknown, b""),
    ] {
        stated(&format!("{ID}|status=delivered|{columns}"), |statement| {
            let found = statement.word.as_ref().map(|word| word.transport);
            assert_eq!((statement.arrival, found), (arrival, Some(transport)), "{columns}");
        });
    }
}

#[test]
fn what_nobody_knows_is_unknown() {
    for columns in [
        format!("{ID}|status=unknownFutureValue"),
        ID.to_owned(),
        "id=5ecb6b5a-0d0e-4b0f-9f3c-08de2a1b3c4d|status=delivered".to_owned(),
        "id=5ecb6b5a-0d0e-4b0f-9f3c-08de2a1b3c4d-and-more|recipientAddress=a@b|status=delivered".to_owned(),
        "recipientAddress=a@b|status=delivered".to_owned(),
        "nothing".to_owned(),
    ] {
        assert!(with(&columns, |record| record == Record::Unknown), "{columns}");
    }
}
