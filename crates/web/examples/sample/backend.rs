//! A backend with invented mail of one day, the same on each run. Also the one that the tests of the pages use.
//!
//! It reads filters for their mistakes, but does not apply them, with three exceptions that make its odd pages reachable:
//! `subject:nothing` finds nothing, `subject:broken` fails, `subject:away` is not available.

#[path = "live.rs"]
mod live;

use jiff::{SignedDuration, Timestamp};
use vigie_query::{Context, Field, term_text};
use vigie_web::backend::*;

const BUCKETS: usize = 96;
const SEARCH_ROWS: u64 = 137;
pub const HOSTILE: &str = "<script>alert('x')</script>\" onmouseover=\"x\u{202e}evil";

#[derive(Default)]
pub struct Sample {
    /// As after the installation.
    pub empty: bool,
    /// Sources bring nothing.
    pub is_silent: bool,
    /// What pages that follow hear.
    pub beats: Option<fn() -> Beats>,
}

impl Backend for Sample {
    fn overview<'a>(&'a self, scope: &'a Scope) -> Answer<'a, Overview> {
        Box::pin(async move {
            check(scope)?;
            Ok(self.make_overview(scope))
        })
    }

    fn search<'a>(&'a self, scope: &'a Scope, page: &'a PageRequest) -> Answer<'a, SearchPage> {
        Box::pin(async move {
            check(scope)?;
            let first: u64 = page.after.as_deref().unwrap_or("0").parse().map_err(|_| Failure::Cursor)?;
            let total = if self.finds_nothing(scope) { 0 } else { SEARCH_ROWS };
            let last = (first + u64::from(page.limit)).min(total);
            let totals = if total == 0 {
                Totals::default()
            } else {
                Totals { messages: total, deliveries: 163, rejections: 12 }
            };
            Ok(SearchPage {
                span: span(),
                stored: self.stored(),
                coverage: live::coverage_summary(),
                totals,
                listed: Counted::Messages,
                first: first + 1,
                rows: (first..last).map(search_row).collect(),
                next: (last < total).then(|| last.to_string()),
            })
        })
    }

    fn message<'a>(&'a self, id: &'a str) -> Answer<'a, Option<Message>> {
        Box::pin(async move {
            Ok(match id {
                "none" => None,
                "waiting" => Some(waiting()),
                "many" => Some(many()),
                _ => Some(delivered()),
            })
        })
    }

    fn coverage<'a>(&'a self, scope: &'a Scope) -> Answer<'a, Coverage> {
        Box::pin(async move {
            check(scope)?;
            Ok(make_coverage(self.stored()))
        })
    }

    fn servers<'a>(&'a self, scope: &'a Scope) -> Answer<'a, ServerTable> {
        Box::pin(async move {
            check(scope)?;
            let row = |(server, n): (&str, u64)| ServerRow {
                server: server.to_owned(),
                global: 10 * n,
                received_from_servers: 4 * n,
                received_from_local: n,
                local_routing: 2 * n,
                sent_to_servers: 3 * n,
                filter: format!("server:{server}"),
            };
            let rows = [("mx1.paris", 81_402), ("mbx-a", 40_117), ("relay.mtl", 913)].map(row).into();
            Ok(ServerTable { span: span(), stored: self.stored(), coverage: live::coverage_summary(), rows })
        })
    }

    fn queues<'a>(&'a self, scope: &'a Scope) -> Answer<'a, Queues> {
        Box::pin(async move {
            check(scope)?;
            Ok(live::queues(self.stored()))
        })
    }

    fn sources<'a>(&'a self, _scope: &'a Scope) -> Answer<'a, Sources> {
        Box::pin(async move { Ok(live::sources(self.stored())) })
    }

    fn beats(&self) -> Beats {
        self.beats.map_or_else(|| Box::pin(futures::stream::pending()) as Beats, |beats| beats())
    }

    fn silent(&self) -> Vec<SilentSource> {
        if self.is_silent { live::silent() } else { Vec::new() }
    }

    fn rejections<'a>(&'a self, scope: &'a Scope, page: &'a PageRequest) -> Answer<'a, RejectionPage> {
        Box::pin(async move {
            check(scope)?;
            let rows = if self.finds_nothing(scope) {
                vec![]
            } else {
                (0..u64::from(page.limit).min(40)).map(rejection_row).collect()
            };
            Ok(RejectionPage {
                span: span(),
                stored: self.stored(),
                coverage: live::coverage_summary(),
                total: 27_113,
                reasons: rankings(scope).remove(2),
                first: 1,
                rows,
                next: Some("50".into()),
            })
        })
    }
}

impl Sample {
    fn stored(&self) -> Option<Span> {
        (!self.empty).then(|| Span { from: at(-30 * 24 * 3600), until: now() })
    }

    fn finds_nothing(&self, scope: &Scope) -> bool {
        self.empty || scope.q.contains("subject:nothing")
    }

    fn make_overview(&self, scope: &Scope) -> Overview {
        let series = if self.finds_nothing(scope) { TimeSeries::default() } else { series(scope) };
        Overview {
            span: span(),
            stored: self.stored(),
            updated: now(),
            tiles: tiles(scope),
            series,
            flows: flows(&scope.q),
            rankings: rankings(scope),
            coverage: live::coverage_summary(),
        }
    }
}

/// The mistakes of the filter, and the failures that can be asked for.
fn check(scope: &Scope) -> Result<(), Failure> {
    let context = Context { now: now(), zone: scope.zone.clone() };
    if let Err(problems) = vigie_query::parse(&scope.q, &context) {
        let problems = problems.into_iter().map(|problem| Problem {
            span: problem.span,
            message: problem.message,
            hint: problem.hint,
        });
        return Err(Failure::Filter(problems.collect()));
    }
    match &scope.q {
        q if q.contains("subject:broken") => {
            Err(Failure::Internal { what: "The store gave rows of another shape.".into(), reference: "7f3a".into() })
        }
        q if q.contains("subject:away") => Err(Failure::Unavailable {
            what: "The store is being opened.".into(),
            hint: "This takes some seconds after a start; try again.".into(),
        }),
        _ => Ok(()),
    }
}

fn now() -> Timestamp {
    "2026-11-22T03:50:12Z".parse().expect("a time")
}

fn at(seconds: i64) -> Timestamp {
    now().checked_add(SignedDuration::from_secs(seconds)).expect("in range")
}

fn span() -> Span {
    Span { from: at(-24 * 3600), until: now() }
}

/// Noise from 0 to 1 that is the same on each run.
fn noise(n: u64) -> f64 {
    let mixed = (n.wrapping_add(0x9e37_79b9)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed ^ (mixed >> 29)) >> 11) as f64 / (1u64 << 53) as f64
}

/// An office day: from 0 to 1, high at 11 and 15 o'clock.
fn office(bucket: usize) -> f64 {
    let hour = (bucket as f64 / 4.0 + 4.0) % 24.0;
    let hump = |peak: f64, width: f64| (-((hour - peak) / width).powi(2)).exp();
    0.07 + 0.75 * hump(10.5, 2.6) + 0.7 * hump(15.5, 2.4)
}

fn course(height: f64, roughness: f64, seed: u64) -> Vec<Option<f64>> {
    (0..BUCKETS)
        .map(|bucket| Some(height * office(bucket) * (1.0 + roughness * (noise(seed + bucket as u64) - 0.5))))
        .collect()
}

fn narrowed(scope: &Scope, term: &str) -> String {
    [scope.q.as_str(), term].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn tiles(scope: &Scope) -> Vec<Tile> {
    let tile = |measure, value: f64, previous: f64, roughness, term: &str, counted| Tile {
        measure,
        value: Some(value),
        previous: Some(previous),
        spark: course(value, roughness, value as u64),
        filter: narrowed(scope, term),
        counted,
    };
    vec![
        tile(Measure::Messages, 275_383.0, 264_200.0, 0.1, "", Counted::Messages),
        tile(Measure::Deliveries, 301_927.0, 290_001.0, 0.1, "", Counted::Deliveries),
        tile(Measure::DeliveredShare, 0.964, 0.967, 0.2, "status:delivered", Counted::Deliveries),
        tile(Measure::Deferred, 1_212.0, 1_022.0, 1.3, "status:deferred", Counted::Deliveries),
        tile(Measure::Rejected, 27_113.0, 28_870.0, 0.9, "status:rejected", Counted::Rejections),
        tile(Measure::DeliveryMedian, 1_812.0, 1_776.0, 0.4, "status:delivered", Counted::Deliveries),
        tile(Measure::Volume, 19.6e9, 18.9e9, 0.2, "", Counted::Messages),
    ]
}

fn series(scope: &Scope) -> TimeSeries {
    let one = |status: Status, height: f64, roughness, counted| {
        let mut values: Vec<Option<u64>> =
            course(height, roughness, height as u64).into_iter().map(|value| value.map(|value| value as u64)).collect();
        // The collector was away for an hour and a half.
        values[70..76].fill(None);
        Series { status, values, filter: narrowed(scope, &term_text(Field::Status, word(status))), counted }
    };
    let deliveries = Counted::Deliveries;
    TimeSeries {
        buckets: (0..BUCKETS as i64).map(|bucket| at((bucket - BUCKETS as i64) * 900)).collect(),
        until: now(),
        series: vec![
            one(Status::Delivered, 5_600.0, 0.12, deliveries),
            one(Status::Deferred, 260.0, 1.2, deliveries),
            one(Status::Bounced, 180.0, 0.9, deliveries),
            one(Status::Filtered, 140.0, 0.6, deliveries),
            one(Status::Rejected, 520.0, 0.5, Counted::Rejections),
        ],
    }
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Deferred => "deferred",
        Status::Bounced => "bounced",
        Status::Filtered => "filtered",
        Status::Rejected => "rejected",
        _ => "delivered",
    }
}

fn flows(q: &str) -> FlowMap {
    let node = |label: NodeLabel, term: &str| FlowNode::one(label, term.into());
    let name = |name: &str| NodeLabel::Name(name.to_owned());
    let servers = ["mx1.paris", "mx2.lyon", "relay.mtl"];
    let stores = ["mbx-a", "mbx-b", "cloud"];
    let domains = [
        "example.org",
        "gmail.com",
        "outlook.com",
        "orange.fr",
        "partner.example",
        "videotron.ca",
        "free.fr",
        "gmx.de",
        "laposte.net",
        "web.de",
        "bluewin.ch",
    ];
    let mut columns: [Vec<FlowNode>; FLOW_COLUMNS] = Default::default();
    columns[0] = vec![
        node(NodeLabel::Internet, "direction:in"),
        node(NodeLabel::AuthenticatedUser, "user:*"),
        node(NodeLabel::LocalProcess, "client:localhost"),
        node(name("partner.example"), "client:partner.example"),
    ];
    columns[1] = servers.iter().map(|server| node(name(server), &term_text(Field::Server, server))).collect();
    columns[2] = stores.iter().map(|server| node(name(server), &term_text(Field::Server, server))).collect();
    columns[3] =
        domains.iter().map(|domain| node(name(domain), &term_text(Field::To, &format!("@{domain}")))).collect();
    columns[3].push(node(NodeLabel::Status(Status::Rejected), "status:rejected"));
    columns[3].push(node(NodeLabel::Status(Status::Filtered), "status:filtered"));

    let mut flows = Vec::new();
    for (origin, weight) in [149.0, 55.0, 36.0, 35.0].into_iter().enumerate() {
        for server in 0..3u32 {
            for store in 0..3u32 {
                for domain in 0..domains.len() as u32 {
                    let count = weight
                        * 60.0
                        * noise(origin as u64 * 7 + u64::from(server) * 3 + u64::from(store))
                        * if domain == 0 { 4.0 } else { noise(u64::from(domain)) / f64::from(domain) };
                    let status = if domain == 4 { Status::Bounced } else { Status::Delivered };
                    flows.push(Flow {
                        stops: [Some(origin as u32), Some(server), Some(store), Some(domain)],
                        count: count as u64,
                        status,
                    });
                }
            }
        }
    }
    let refused = domains.len() as u32;
    flows.push(Flow { stops: [Some(0), Some(0), None, Some(refused)], count: 17_000, status: Status::Rejected });
    flows.push(Flow { stops: [Some(0), Some(1), None, Some(refused)], count: 10_113, status: Status::Rejected });
    flows.push(Flow { stops: [Some(0), Some(0), None, Some(refused + 1)], count: 4_412, status: Status::Filtered });
    FlowMap { filter: q.to_owned(), columns, flows, counted: Counted::Deliveries }
}

fn rankings(scope: &Scope) -> Vec<Ranking> {
    let ranking = |by, counted, field: Option<Field>, rows: &[(&str, u64, Option<f64>)], groups| Ranking {
        by,
        rows: rows
            .iter()
            .map(|(label, count, failed_share)| RankRow {
                label: (*label).into(),
                count: *count,
                failed_share: *failed_share,
                spark: course(*count as f64, 0.8, *count),
                filter: narrowed(scope, &field.map(|field| term_text(field, label)).unwrap_or_default()),
            })
            .collect(),
        groups,
        counted,
        coverage: Some(live::coverage_summary()),
    };
    let senders = [
        ("noreply@erp.example.org", 22_306, Some(0.002)),
        ("alerts@monitoring.example.org", 17_624, Some(0.0)),
        ("newsletter@communication.example.org", 11_290, Some(0.031)),
        ("", 7_214, Some(0.004)),
        ("claire.dubois@example.org", 6_058, Some(0.004)),
        ("scan2mail@printers.example.org", 5_232, Some(0.127)),
        (HOSTILE, 3_855, Some(0.009)),
        ("compta@example.org", 2_411, Some(0.011)),
    ];
    let domains = [
        ("example.org", 112_907, Some(0.008)),
        ("gmail.com", 33_596, Some(0.024)),
        ("outlook.com", 27_813, Some(0.059)),
        ("orange.fr", 15_146, Some(0.011)),
        ("partner-bank.example", 9_087, Some(0.0)),
        ("videotron.ca", 4_681, Some(0.006)),
        ("free.fr", 3_020, Some(0.2)),
        ("gmx.de", 1_904, Some(0.0)),
    ];
    let reasons = [
        ("User unknown in relay recipient table", 8_812, None),
        ("Service unavailable; client host blocked", 5_783, None),
        ("Greylisted, please try again", 3_029, None),
        ("Sender address rejected: Domain not found", 2_753, None),
        ("Relay access denied", 1_652, None),
        ("Message size exceeds fixed limit", 826, None),
    ];
    vec![
        ranking(Dimension::Sender, Counted::Deliveries, Some(Field::From), &senders, 8_412),
        ranking(Dimension::RecipientDomain, Counted::Deliveries, Some(Field::To), &domains, 1_209),
        ranking(Dimension::RejectReason, Counted::Rejections, Some(Field::Reason), &reasons, 41),
    ]
}

fn search_row(n: u64) -> SearchRow {
    let statuses = [
        Status::Delivered,
        Status::Delivered,
        Status::Delivered,
        Status::Bounced,
        Status::Delivered,
        Status::Deferred,
        Status::Filtered,
        Status::Delivered,
        Status::Expired,
        Status::Forwarded,
    ];
    let subjects = [
        Some("Ordre de mission: Montréal, 14 décembre"),
        Some("Invoice 2026-1188"),
        None,
        Some(HOSTILE),
        Some("Re: Re: minutes of the meeting on the consolidation of the mail servers in the region"),
        Some("スキャン"),
    ];
    let status = statuses[(n % 10) as usize];
    let done = matches!(status, Status::Delivered | Status::Bounced);
    SearchRow {
        class: if n % 9 == 4 { Class::Bounce } else { Class::Mail },
        id: match status {
            Status::Deferred => "waiting".into(),
            Status::Filtered => "many".into(),
            _ => format!("{n:016x}"),
        },
        time: at(-60 - 97 * n as i64),
        sender: [
            "claire.dubois@example.org",
            "noreply@erp.example.org",
            "",
            "jean-baptiste.de-la-salle@very-long-subdomain.partner-bank.example",
        ][(n % 4) as usize]
            .into(),
        recipient: ["marie.martin@example.org", "ops@partner.example", "nobody@gone.example", "all@example.org"]
            [(n % 4) as usize]
            .into(),
        recipients_more: if n % 4 == 3 { 41 } else { 0 },
        subject: subjects[(n % 6) as usize].map(Into::into),
        status,
        server: ["mx1.paris", "mbx-a", "relay.mtl"][(n % 3) as usize].into(),
        delivery_ms: done.then(|| (noise(n) * 4_000.0) as u64),
        bytes: Some((noise(n + 1) * 3e6) as u64),
    }
}

fn hop(
    server: &str,
    queue_id: Option<&str>,
    begin_ms: i64,
    end_ms: Option<i64>,
    role: HopRole,
    previous: Option<usize>,
    link: HopLink,
) -> Hop {
    let instant = |ms| at(-3600).checked_add(SignedDuration::from_millis(ms)).expect("in range");
    Hop {
        server: server.into(),
        queue_id: queue_id.map(Into::into),
        time_in: instant(begin_ms),
        time_out: end_ms.map(instant),
        role,
        client: previous.is_none().then(|| "mail.partner.example [203.0.113.9]".into()),
        previous,
        link,
    }
}

fn recipient(address: &str, status: Status, delivery_ms: Option<u64>, reply: &str) -> Recipient {
    Recipient {
        address: address.into(),
        original: None,
        status,
        dsn: Some(if delivery_ms.is_some() { "2.0.0" } else { "4.4.1" }.into()),
        reply: Some(reply.into()),
        server: Some("mbx-a".into()),
        relay: Some("dovecot-lmtp".into()),
        time: Some(at(-3598)),
        delivery_ms,
        attempts: 1,
    }
}

fn line(server: &str, hop: usize, ms: i64, text: &str) -> LogLine {
    LogLine {
        server: server.into(),
        source: "/var/log/mail.log".into(),
        time: Some(at(-3600 + ms / 1000)),
        text: text.into(),
        hop: Some(hop),
    }
}

fn delivered() -> Message {
    Message {
        id: "00000000000004d2".into(),
        sender: "claire.dubois@partner.example".into(),
        subject: Some(HOSTILE.into()),
        message_id: Some("20261122025012.4711@partner.example".into()),
        bytes: Some(48_211),
        first_arrival: at(-3600),
        as_of: now(),
        coverage: CoverageSummary { span: Some(span()), ..live::coverage_summary() },
        recipients: vec![recipient(
            "marie.martin@example.org",
            Status::Delivered,
            Some(1_812),
            "250 2.0.0 <marie.martin@example.org> oBZ1Kx4XIWk8DgAAqPXG2A Saved",
        )],
        recipients_more: 0,
        content: Some(Content {
            header_from: "Newsletter@partner.example".into(),
            media_type: "multipart/mixed".into(),
            is_list: true,
            signed: "s/mime".into(),
            has_dkim: true,
            attachments: vec![
                Attachment {
                    name: HOSTILE.into(),
                    declared: "application/pdf".into(),
                    sniffed: "application/pdf".into(),
                    bytes: 31_008,
                },
                Attachment {
                    name: "facture.exe".into(),
                    declared: "text/plain".into(),
                    bytes: 1_204,
                    ..Attachment::default()
                },
            ],
            ..Content::default()
        }),
        hops: vec![
            hop("mx1.paris", Some("4cXk2M0Vzbz9rxR"), 0, Some(410), HopRole::Arrival, None, HopLink::Origin),
            hop(
                "mx1.paris",
                Some("4cXk2M4QqPz9rxT"),
                380,
                Some(900),
                HopRole::FilterReturn,
                Some(0),
                HopLink::FilterLog,
            ),
            hop("mbx-a", Some("7F3A120044"), 880, Some(1_700), HopRole::Relay, Some(1), HopLink::Reply),
            hop("mbx-a", None, 1_690, Some(1_812), HopRole::Store, Some(2), HopLink::MessageId),
        ],
        lines: vec![
            line(
                "mx1.paris",
                0,
                0,
                "Nov 22 03:50:12 mx1 postfix/smtpd[811]: 4cXk2M0Vzbz9rxR: client=mail.partner.example[203.0.113.9]",
            ),
            line(
                "mx1.paris",
                0,
                100,
                "Nov 22 03:50:12 mx1 postfix/cleanup[815]: 4cXk2M0Vzbz9rxR: message-id=<20261122025012.4711@partner.example>",
            ),
            line(
                "mx1.paris",
                0,
                400,
                "Nov 22 03:50:12 mx1 postfix/lmtp[816]: 4cXk2M0Vzbz9rxR: to=<marie.martin@example.org>, relay=127.0.0.1[127.0.0.1]:10024, delay=0.41, delays=0.1/0/0.02/0.29, dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 4cXk2M4QqPz9rxT)",
            ),
            line(
                "mbx-a",
                2,
                1_700,
                "Nov 22 03:50:13 mbx-a postfix/lmtp[92]: 7F3A120044: to=<marie.martin@example.org>, relay=mbx-a[private/dovecot-lmtp], dsn=2.0.0, status=sent (250 2.0.0 Saved)",
            ),
            line(
                "mbx-a",
                3,
                1_812,
                "Nov 22 03:50:13 mbx-a dovecot: lmtp(marie.martin)<94><oBZ1>: sieve: msgid=<20261122025012.4711@partner.example>: stored mail into mailbox 'INBOX' <script>",
            ),
        ],
        lines_more: 0,
    }
}

fn waiting() -> Message {
    let mut message = delivered();
    message.subject = None;
    message.content = None;
    message.hops = vec![hop("relay.mtl", Some("9B1D77"), 0, None, HopRole::Submission, None, HopLink::Origin)];
    message.recipients = vec![Recipient {
        attempts: 7,
        ..recipient(
            "ops@slow.example",
            Status::Deferred,
            None,
            "451 4.7.1 Greylisting in action, please come back later",
        )
    }];
    message.recipients[0].server = Some("relay.mtl".into());
    message.lines.truncate(1);
    message
}

fn many() -> Message {
    let mut message = delivered();
    message.subject = Some("Réunion de service".into());
    message.recipients = (0..12)
        .map(|n| {
            recipient(
                &format!("person{n}@example.org"),
                [Status::Delivered, Status::Delivered, Status::Bounced, Status::Deferred][n % 4],
                (n % 4 < 2).then_some(900 + n as u64),
                "550 5.1.1 <person@example.org>: Recipient address rejected: User unknown",
            )
        })
        .collect();
    message.recipients_more = 240;
    message
}

fn make_coverage(stored: Option<Span>) -> Coverage {
    let source = |server: &str, source: Option<&str>, lines: u64, unknown: u64, gap: bool| SourceCoverage {
        server: server.into(),
        source: source.map(str::to_owned),
        first_line: Some(at(-24 * 3600 + 2)),
        last_line: Some(at(-4)),
        lines: LineCounts {
            read: lines,
            understood: lines * 8 / 10,
            ignored: lines - lines * 8 / 10 - unknown,
            unknown,
        },
        open_messages: source.is_none().then_some(unknown % 17),
        gaps: if gap { vec![Span { from: at(-23_400), until: at(-18_000) }] } else { vec![] },
        hours: (0..24)
            .map(|hour| HourCoverage {
                from: at((hour - 24) * 3600),
                lines: (!gap || !(17..19).contains(&hour))
                    .then(|| (office(hour as usize * 4) * lines as f64 / 10.0) as u64),
                unknown: if hour == 9 { unknown * 100 } else { 0 },
            })
            .collect(),
    };
    Coverage {
        span: span(),
        stored,
        sources: vec![
            source("mx1.paris", None, 612_004, 149, false),
            source("mx1.paris", Some(""), 600_000, 140, false),
            source("mx1.paris", Some("mx1:/var/log/mail.log"), 12_004, 9, true),
            source("mx2.lyon", None, 401_220, 12, true),
            source("relay.mtl", None, 180_400, 0, false),
            source("mbx-a", None, 90_488, 6, false),
        ],
        servers_more: 0,
        unknown_shapes: vec![
            UnknownShape { program: "postfix/smtpd".into(), shape: "warning: dnsblog_query: lookup error for DNS query <name>: Host or domain name not found.".into(), count: 118, example: "Nov 22 01:12:44 mx1 postfix/smtpd[811]: warning: dnsblog_query: lookup error for DNS query 9.113.0.203.zen.example: Host or domain name not found.".into(), server: "mx1.paris".into() },
            UnknownShape { program: "custom-filter".into(), shape: format!("{HOSTILE} <n>"), count: 49, example: HOSTILE.into(), server: "mx1.paris".into() },
        ],
        unknown_shapes_more: 3,
    }
}

fn rejection_row(n: u64) -> RejectionRow {
    let replies = [
        "550 5.1.1 <nobody@example.org>: Recipient address rejected: User unknown in relay recipient table",
        "554 5.7.1 Service unavailable; Client host [198.51.100.7] blocked using zen.example",
        "451 4.7.1 <ops@example.org>: Recipient address rejected: Greylisted",
    ];
    RejectionRow {
        time: at(-30 * n as i64),
        server: ["mx1.paris", "mx2.lyon"][(n % 2) as usize].into(),
        client_name: (!n.is_multiple_of(3)).then(|| "unknown-host.spam.example".into()),
        client_ip: Some(format!("198.51.100.{}", n % 250)),
        helo: Some(HOSTILE.into()),
        sender: Some(["bulk@spam.example", ""][(n % 2) as usize].into()),
        recipient: (!n.is_multiple_of(5)).then(|| "nobody@example.org".into()),
        code: Some([550, 554, 451][(n % 3) as usize]),
        dsn: Some(["5.1.1", "5.7.1", "4.7.1"][(n % 3) as usize].into()),
        reason: "User unknown in relay recipient table".into(),
        reply: replies[(n % 3) as usize].into(),
    }
}
