//! A list with tens of thousands of recipients, from server to server: no step looks through all of them for each of them.

use std::time::{Duration, Instant};

use vigie_correlator::{Facts, Host, link};
use vigie_formats::{envelope, read};
use vigie_model::Outcome;

const RECIPIENTS: usize = 20_000;
/// Takes a fifth of a second; looking through all for each would take many times this.
const TIME_MAX: Duration = Duration::from_secs(10);

struct Server {
    host: Host,
    facts: Facts,
    ts: i64,
}

impl Server {
    fn new(name: &str) -> Self {
        Self { host: Host::new(name), facts: Facts::default(), ts: 1_772_445_600_000_000 }
    }

    fn writes(&mut self, text: &str) {
        self.ts += 1_000;
        let line = format!("2026-03-02T10:00:00+00:00 {} {text}", self.host.server());
        let mut scratch = envelope::Scratch::default();
        let envelope = envelope::parse(line.as_bytes(), &mut scratch).expect("an envelope");
        self.host.record(self.ts, &read(&envelope), &mut self.facts);
    }

    fn passes_on(&mut self, id: &str, status: &str) {
        self.writes(&format!("postfix/smtpd[1]: {id}: client=before.example.com[192.0.2.9]"));
        self.writes(&format!("postfix/cleanup[2]: {id}: message-id=<list@example.com>"));
        self.writes(&format!(
            "postfix/qmgr[3]: {id}: from=<list@example.com>, size=1, nrcpt={RECIPIENTS} (queue active)"
        ));
        for try_number in 0..2 {
            for number in 0..RECIPIENTS {
                let status = if try_number == 0 { "deferred (host said: 451 later)" } else { status };
                self.writes(&format!(
                    "postfix/smtp[4]: {id}: to=<member{number}@example.org>, orig_to=<list{number}@example.com>, relay=mx.example.org[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status={status}"
                ));
            }
        }
        self.writes(&format!("postfix/qmgr[3]: {id}: removed"));
    }
}

#[test]
fn a_message_to_twenty_thousand_is_no_matter_of_their_square() {
    let start = Instant::now();
    let (mut first, mut second) = (Server::new("hub1"), Server::new("hub2"));
    first.passes_on("4A1B2C3D4E5F", "sent (250 2.0.0 Ok: queued as 5A1B2C3D4E5F)");
    second.passes_on("5A1B2C3D4E5F", "sent (250 2.0.0 Ok)");
    let hops: Vec<_> = first.host.open().into_iter().chain(second.host.open()).collect();
    let told: Vec<_> = hops.iter().map(|hop| (hop.recipients.len(), hop.recipients[7].attempts)).collect();
    assert_eq!(told, [(RECIPIENTS, 2), (RECIPIENTS, 2)]);
    let journeys = link(hops);
    assert_eq!(journeys.len(), 1);
    let delivered = journeys[0].deliveries.iter().filter(|delivery| delivery.outcome == Outcome::Delivered);
    assert_eq!(delivered.count(), RECIPIENTS);
    assert!(start.elapsed() < TIME_MAX, "{:?}", start.elapsed());
}
