//! Rows as statements. What the journeys of whole messages are is tested with the correlator.

use vigie_model::{Arrival, Outcome};

use super::*;
use crate::envelope::{Scratch, parse};

fn with<T>(columns: &str, look: impl FnOnce(Record<'_>) -> T) -> T {
    let line = format!("2026-03-02T10:00:02.000Z ex01 exchange: {}", columns.replace('|', "\t"));
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
fn each_service_has_ids_of_its_own() {
    for (columns, id) in [
        ("source=SMTP|event-id=RECEIVE|internal-message-id=438|network-message-id=x", "438"),
        ("source=STOREDRIVER|event-id=RECEIVE|internal-message-id=438|network-message-id=x", "438/submission"),
        ("source=STOREDRIVER|event-id=DELIVER|internal-message-id=438|network-message-id=x", "438/delivery"),
        // Exchange 2010.
        ("source=STOREDRIVER|event-id=DELIVER|internal-message-id=438", "438"),
    ] {
        assert_eq!(stated(columns, |statement| statement.queue_id.to_string()), id, "{columns}");
    }
}

#[test]
fn who_brought_a_message() {
    for (columns, arrival) in [
        (
            "source=SMTP|directionality=Incoming|server-hostname=ex01|custom-data=S:FirstForestHop=ex01.example.com",
            Arrival::Server,
        ),
        (
            "source=SMTP|directionality=Originating|server-hostname=EX01|custom-data=S:A=b;S:FirstForestHop=ex01.example.com;S:C=d",
            Arrival::User,
        ),
        (
            "source=SMTP|directionality=Originating|server-hostname=ex02|custom-data=S:FirstForestHop=ex01.example.com",
            Arrival::Server,
        ),
        ("source=SMTP|directionality=Originating|server-hostname=ex01|client-hostname=ex01.example.com", Arrival::User),
        (
            "source=SMTP|directionality=Originating|server-hostname=ex01|client-hostname=ex02.example.com",
            Arrival::Server,
        ),
        ("source=SMTP|connector-id=EX01\\Client Proxy EX01|server-hostname=ex01", Arrival::User),
        ("source=STOREDRIVER", Arrival::User),
        ("source=MAILBOXRULE", Arrival::Local),
        ("source=PICKUP", Arrival::Local),
    ] {
        let columns = format!("event-id=RECEIVE|internal-message-id=1|{columns}");
        assert_eq!(stated(&columns, |statement| statement.arrival), arrival, "{columns}");
    }
}

#[test]
fn behind_a_front_end_the_client_is_the_front_ends() {
    let columns = "source=SMTP|event-id=RECEIVE|internal-message-id=1|client-ip=192.0.2.21|client-hostname=ex01.example.com|original-client-ip=198.51.100.77|custom-data=S:ProxiedClientIPAddress=198.51.100.77;S:ProxiedClientHostname=out.example.net;S:X=y";
    stated(columns, |statement| {
        assert_eq!((statement.client_name, statement.client_ip), (&b"out.example.net"[..], &b"198.51.100.77"[..]));
    });
}

#[test]
fn how_failures_end() {
    for (source, status, outcome) in [
        ("ROUTING", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found", Outcome::Bounced),
        ("QUEUE", "550 4.4.7 QUEUE.Expired; message expired", Outcome::Expired),
        ("ROUTING", "250 2.1.5 RESOLVER.MSGTYPE.OOF; handled", Outcome::Discarded),
        ("ADMIN", "550 5.0.0 QUEUE.Admin; deleted", Outcome::Deleted),
        ("SMTP", "", Outcome::Bounced),
    ] {
        let columns = format!(
            "source={source}|event-id=FAIL|internal-message-id=1|recipient-address=a@b|recipient-status={status}"
        );
        let found = stated(&columns, |statement| statement.word.as_ref().map(|word| word.status));
        assert_eq!(found, Some(Status::Final(outcome)), "{columns}");
    }
}

/// Fact 9 of the project's notes on mail systems: the server says how long it took, or when the message came into the organisation.
#[test]
fn how_long_a_message_was_under_way() {
    for (columns, ms) in [
        ("message-info=2026-03-02T10:00:00.072Z;SRV=a:TOTAL-FE=0.07|custom-data=S:E2ELatency=1.928;S:X=y", Some(1928)),
        ("message-info=2026-03-02T10:00:00.072Z;SRV=a:TOTAL-FE=0.07", Some(1928)),
        ("message-info=2026-03-02T10:00:00.072Z", Some(1928)),
        ("message-info=0cA: ", None),
        ("recipient-status=x", None),
    ] {
        let columns =
            format!("source=STOREDRIVER|event-id=DELIVER|internal-message-id=1|recipient-address=a@b|{columns}");
        let told = stated(&columns, |statement| statement.word.as_ref().and_then(|word| word.delays.total_ms));
        assert_eq!(told, ms, "{columns}");
    }
}

#[test]
fn mail_to_the_mailbox_service_ends_in_a_mailbox_and_other_mail_at_the_next_server() {
    for (context, transport, next) in [
        (";250 2.0.0 OK <a@b> [Hostname=ex01.example.com];ClientSubmitTime:", &b"lmtp"[..], None),
        (
            ";250 2.6.0 <a@b> [InternalId=77, Hostname=ex02.example.com] Queued mail for delivery;ClientSubmitTime:",
            b"smtp",
            Some("77"),
        ),
        (";250 2.0.0 Ok: queued as 4XYZ;ClientSubmitTime:", b"smtp", Some("4XYZ")),
        (";250 OK id=1xUzfh-0005eu-36", b"smtp", Some("1xUzfh-0005eu-36")),
        (";250 2.0.0 4AM2xP8b012345 Message accepted for delivery;ClientSubmitTime:", b"smtp", Some("4AM2xP8b012345")),
        (";250 2.6.0 <queued as 1@b> [InternalId=78, Hostname=x] Queued mail for delivery", b"smtp", Some("78")),
        (";250 ok;ClientSubmitTime:", b"smtp", None),
    ] {
        let columns = format!(
            "source=SMTP|event-id=SEND|internal-message-id=1|recipient-address=a@b|recipient-status=250 2.1.5 Recipient OK|source-context={context}"
        );
        stated(&columns, |statement| {
            let word = statement.word.as_ref().expect("a word");
            let next_id = word.next_id.map(|id| id.to_string());
            assert_eq!((word.transport, next_id.as_deref(), word.dsn), (transport, next, &b"2.1.5"[..]), "{columns}");
        });
    }
}

#[test]
fn rows_without_an_id_are_unknown_where_they_matter_and_known_where_not() {
    assert!(with("source=ROUTING|event-id=FAIL|recipient-address=a@b", |record| record == Record::Unknown));
    assert!(with("source=SMTP|event-id=RECEIVE|internal-message-id=0", |record| record == Record::Unknown));
    assert!(with("source=SMTP|event-id=RECEIVE|internal-message-id=12x", |record| record == Record::Unknown));
    assert!(with("source=SMTP|event-id=ENTIRELYNEW|internal-message-id=1", |record| record == Record::Unknown));
    assert!(with("no columns at all", |record| record == Record::Unknown));
    // Exchange 2010's submission names no id.
    assert!(with("source=STOREDRIVER|event-id=SUBMIT|sender-address=a@b", |record| record == Record::Known));
    assert!(with("source=STOREDRIVER|event-id=NOTIFYMAPI|sender-address=a@b", |record| record == Record::Known));
}
