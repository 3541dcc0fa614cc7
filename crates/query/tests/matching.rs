//! Expressions against rows in memory.

mod support;
use support::filter;
use vigie_query::{Cell, Field, Row, matches};

/// A message to two people through two servers, without a subject's reply nor a known client name.
struct Message;

impl Row for Message {
    fn cell(&self, field: Field) -> Cell<'_> {
        match field {
            Field::From => Cell::Text("Marie.Laurent@example.com"),
            Field::To => Cell::Texts(vec!["bob@us.ibm.com", "carol@example.net"]),
            Field::Subject => Cell::Text("Ordre de mission n° 7 – ÉTÉ"),
            Field::MessageId => Cell::Text("20261122.AB12@hub1.example.com"),
            Field::QueueId => Cell::Texts(vec!["4XyZ12abc", "5AbC34def"]),
            Field::Server => Cell::Texts(vec!["hub1.example.com", "edge2"]),
            Field::Client => Cell::Texts(vec!["pc7.example.com", "192.0.2.17"]),
            Field::Ip => Cell::Text("192.0.2.17"),
            Field::Size => Cell::Amount(2_500_000),
            Field::Recipients => Cell::Amount(2),
            Field::Delay => Cell::Amount(1_500),
            Field::Status => Cell::Text("delivered"),
            Field::Class => Cell::Text("mail"),
            Field::Dsn => Cell::Text("2.0.0"),
            Field::Tls => Cell::Flag(true),
            _ => Cell::Missing,
        }
    }
}

fn is_chosen(text: &str) -> bool {
    matches(&filter(text).expr.expect("an expression"), &Message)
}

#[test]
fn terms_that_hold() {
    for text in [
        "from:laurent",
        "from:marie.laurent@example.com",
        "from:@example.com",
        "to:@us.ibm.com",
        "to:carol@example.net,nobody@example.org",
        "subject:ordre",
        "subject:été",
        "subject:\"ordre*été\"",
        "message-id:20261122.AB12@hub1.example.com",
        "queue-id:5AbC34def",
        "server:hub1",
        "server:edge2",
        "client:pc7",
        "client:192.0.2",
        "ip:192.0.2.17",
        "size>2MB",
        "size<=2.5MB",
        "recipients:2,3",
        "delay>=1.5s",
        "status:delivered,bounced",
        "dsn:2",
        "dsn:2.*",
        "tls:yes",
        "-class:probe",
        "from!=laurent",
    ] {
        assert!(is_chosen(text), "{text}");
    }
}

#[test]
fn terms_that_do_not_hold() {
    for text in [
        "from:bob",
        "from=laurent",
        "to:@ibm.com",
        "subject=ordre",
        "queue-id:5abc34def",
        "queue-id:5AbC",
        "server:hub",
        "client:192.0.20",
        "size>2.5MB",
        "recipients>2",
        "delay<1s",
        "status:bounced",
        "dsn:2.0.0.0",
        "tls:no",
        "-subject:*",
        "subject=\"\"",
    ] {
        assert!(!is_chosen(text), "{text}");
    }
}

#[test]
fn a_bare_word_is_looked_for_everywhere() {
    for text in [
        "laurent",
        "CAROL",
        "@us.ibm.com",
        "@*.ibm.com",
        "bob@us.ibm.com",
        "mission",
        "\"ordre de mission\"",
        "4xyz12",
        "192.0.2.17",
        "20261122.ab12@hub1.example.com",
        "<20261122.AB12@hub1.example.com>",
        "pc7",
    ] {
        assert!(is_chosen(text), "{text}");
        assert!(!is_chosen(&format!("-{text}")), "{text}");
    }
    for text in ["dave", "@ibm.com", "b@us.ibm.com", "192.0.2.1", "delivered"] {
        assert!(!is_chosen(text), "{text}");
    }
}

#[test]
fn what_is_missing_matches_only_its_absence() {
    for text in ["-reason:full", "-hops>3", "-user:*", "user=\"\"", "-direction:out", "-hops<3"] {
        assert!(is_chosen(text), "{text}");
    }
    for text in ["reason:full", "hops>3", "hops<3", "user:*", "direction:out"] {
        assert!(!is_chosen(text), "{text}");
    }
}

#[test]
fn and_or_not_combine() {
    assert!(is_chosen("from:laurent (status:bounced or size>2MB)"));
    assert!(is_chosen("status:bounced or from:laurent size>2MB"));
    assert!(!is_chosen("(status:bounced or from:laurent) size>3MB"));
    assert!(is_chosen("not (status:bounced or size>3MB)"));
}
