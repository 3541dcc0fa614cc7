//! The server table: what each server counts, and that global is the sum. (Counting rules; trap 1.)

use vigie_model::ServerCounts;
use vigie_testkit::{Story, log, story};

fn of(story: &Story, server: &str) -> [u64; 4] {
    let steps = story.journeys.iter().flat_map(|journey| &journey.steps).filter(|step| &*step.server == server);
    steps.fold([0; 4], |[a, b, c, d], step| {
        let n = step.counts;
        [a + n.received_from_servers, b + n.received_from_local, c + n.local_routing, d + n.sent_to_servers]
    })
}

/// From outside over the edge to two mailboxes, one outside address, and one that bounces.
#[test]
fn each_server_counts_its_own_part() {
    let edge = log(
        "edge1",
        "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00 cleanup 3A1B29E001: message-id=<one@example.net>
         10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=3 (queue active)
         10:00:01 smtp 3A1B29E001: to=<bob@example.com>, relay=mbx1.example.com[192.0.2.3]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 7C1D29E002)
         10:00:01 smtp 3A1B29E001: to=<eve@example.com>, relay=mbx1.example.com[192.0.2.3]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 7C1D29E002)
         10:00:01 smtp 3A1B29E001: to=<pia@example.org>, relay=mx.example.org[192.0.2.90]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 Ok)
         10:00:01 qmgr 3A1B29E001: removed
         10:01:00 smtp 4B1B29E003: to=<x@example.org>, relay=none, delay=1, delays=0/0/1/0, dsn=4.4.1, status=deferred (no answer)",
    );
    let mbx = log(
        "mbx1",
        "10:00:01 smtpd 7C1D29E002: client=edge1.example.com[192.0.2.1]
         10:00:01 cleanup 7C1D29E002: message-id=<one@example.net>
         10:00:01 qmgr 7C1D29E002: from=<ann@example.net>, size=1300, nrcpt=2 (queue active)
         10:00:02 virtual 7C1D29E002: to=<bob@example.com>, relay=virtual, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
         10:00:02 virtual 7C1D29E002: to=<eve@example.com>, relay=virtual, delay=1, delays=1/0/0/0, dsn=5.2.2, status=bounced (mailbox full)
         10:00:02 cleanup 8D1D29E004: message-id=<notice@mbx1>
         10:00:02 bounce 7C1D29E002: sender non-delivery notification: 8D1D29E004
         10:00:02 qmgr 7C1D29E002: removed
         10:00:02 qmgr 8D1D29E004: from=<>, size=3000, nrcpt=1 (queue active)
         10:00:03 smtp 8D1D29E004: to=<ann@example.net>, relay=mx.example.net[192.0.2.10]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 Ok)
         10:00:03 qmgr 8D1D29E004: removed",
    );
    let story = story(&[("edge1", edge), ("mbx1", mbx)]);
    assert_eq!(of(&story, "edge1"), [1, 0, 0, 3], "a failed try counts in none");
    assert_eq!(of(&story, "mbx1"), [1, 1, 1, 1], "the notice is made here and leaves");
}

/// The worked example of the counting rules, as a server's sums: one message each way, many times.
#[test]
fn the_worked_example_adds_up() {
    let counts = |a, b, c, d| ServerCounts {
        received_from_servers: a,
        received_from_local: b,
        local_routing: c,
        sent_to_servers: d,
    };
    let from_facts = [
        (counts(1, 0, 1, 0), 2_430),
        (counts(0, 1, 0, 0), 292_329),
        (counts(0, 1, 1, 0), 334_476),
        (counts(0, 1, 0, 1), 1_312),
    ];
    let sum = |pick: fn(&ServerCounts) -> u64| from_facts.iter().map(|(one, times)| pick(one) * times).sum::<u64>();
    let parts = [
        sum(|n| n.received_from_servers),
        sum(|n| n.received_from_local),
        sum(|n| n.local_routing),
        sum(|n| n.sent_to_servers),
    ];
    assert_eq!(parts, [2_430, 628_117, 336_906, 1_312]);
    assert_eq!(sum(ServerCounts::global), 968_765);
}
