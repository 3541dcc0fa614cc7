//! Queues and sources of the sample.

use jiff::Timestamp;
use vigie_web::backend::*;

use super::{HOSTILE, at, now};

pub fn coverage_summary() -> CoverageSummary {
    CoverageSummary {
        lines: 1_284_112,
        understood_share: Some(0.99987),
        gaps: 1,
        last_line: Some(at(-4)),
        ..CoverageSummary::default()
    }
}

pub fn queues(stored: Option<Span>) -> Queues {
    let group = |server: &str, domain: &str, ages: [u64; 5], reply: Option<&str>| QueueGroup {
        server: server.into(),
        domain: domain.into(),
        next_hop: reply.map(|_| format!("mx1.{domain}")),
        status: if reply.is_some() { Status::Deferred } else { Status::Held },
        dsn: reply.map(|_| "4.4.1".into()),
        reply: reply.map(str::to_owned),
        deliveries: ages.iter().sum(),
        ages,
        oldest: at(-93_000),
        attempts_max: 31,
        filter: format!("status:deferred exit:{server} to:@{domain}"),
    };
    let server = |name: &str, deliveries: u64, held: u64| QueueServer {
        server: name.into(),
        deliveries,
        held,
        oldest: at(-93_000),
        filter: format!("status:deferred,held exit:{name}"),
    };
    let refused = Some("connect to mx1.slow.example[192.0.2.9]:25: Connection refused");
    Queues {
        stored,
        as_of: now(),
        deliveries: 412,
        groups: vec![
            group("relay.mtl", "slow.example", [4, 31, 200, 90, 12], refused),
            group("mx1.paris", "partner.example", [40, 11, 0, 0, 0], Some(HOSTILE)),
            group("mx2.lyon", "", [0, 0, 0, 0, 24], None),
        ],
        groups_more: 2,
        unseen: 0,
        servers: vec![server("mx1.paris", 51, 0), server("mx2.lyon", 24, 24), server("relay.mtl", 337, 0)],
        coverage: coverage_summary(),
    }
}

pub fn sources(stored: Option<Span>) -> Sources {
    let row = |name: &str, state: SourceState, rate: f64, lag_ms: i64| SourceRow {
        name: name.into(),
        servers: vec![name.split(':').next().unwrap_or_default().into()],
        state,
        lines_per_second: Some(rate),
        lines: 402_110,
        unknown: u64::from(rate > 100.0) * 17,
        last_line: Some(at(-1)),
        lag_ms: Some(lag_ms),
        gaps: u64::from(rate < 1.0),
        clock_ahead_ms: Some(lag_ms - 300),
        hours: (0..24).map(|hour| (hour != 7).then_some(900 + hour * 40)).collect(),
    };
    let silent = SourceState::Silent { since: at(-1_900) };
    Sources {
        as_of: now(),
        stored,
        is_taking: true,
        trouble: None,
        waiting_bytes: 1_204,
        recounting: vec![HOSTILE.into()],
        rows: vec![
            row("mx1.paris:/var/log/mail.log", SourceState::Live, 212.4, 310),
            row("mx2.lyon:/var/log/mail.log", SourceState::Live, 61.0, -2_700),
            row("relay.mtl:udp 0.0.0.0:514", silent, 0.0, 14_000),
            row("mbx-a:/var/log/mail.log", SourceState::Ahead { ms: 7_200_000 }, 3.0, -7_200_000),
            row("old:/var/log/maillog", SourceState::Ended, 0.0, 100),
        ],
        collectors: vec![collector("mx1.paris", Some(at(-2))), collector("mx2.lyon", None)],
    }
}

fn collector(name: &str, heard: Option<Timestamp>) -> CollectorRow {
    CollectorRow {
        name: name.into(),
        host: heard.map(|_| HOSTILE.into()),
        heard,
        is_away: heard.is_none(),
        backlog_bytes: 24_811,
        losses: u64::from(heard.is_none()),
        lost_bytes: 4_096,
        clock_ahead_ms: heard.map(|_| -41),
    }
}

pub fn silent() -> Vec<SilentSource> {
    let since = |name: &str| SilentSource { name: name.into(), since: at(-1_900) };
    ["relay.mtl:udp 0.0.0.0:514", HOSTILE, "c", "d", "e"].map(since).into()
}
