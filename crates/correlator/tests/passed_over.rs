//! Messages that stay in the queue for hours: linking goes on without them, and gives what linking everything at once gives.

use vigie_correlator::{Host, Linker, PassedOver, link};
use vigie_model::{Hop, Journey, MICROS_PER_HOUR, MICROS_PER_SECOND, Micros};
use vigie_testkit::{Reading, TimedLine, random::Random};

const MESSAGES: usize = 4_000;
const APART_MICROS: Micros = 20 * MICROS_PER_SECOND;

fn line(host: usize, ts: Micros, text: &str) -> TimedLine {
    let time = jiff::Timestamp::from_microsecond(ts).expect("a time").strftime("%Y-%m-%d %H:%M:%S");
    TimedLine { ts, host, raw: format!("{time} {text}").into_bytes() }
}

/// `mx1` takes messages for two recipients each and hands them to `mx2`, the second of some only after hours or never. Then `mx2`
/// takes half an hour for its answer, which alone says what it took.
fn lines(random: &mut Random) -> Vec<TimedLine> {
    let start = 1_772_400_000 * MICROS_PER_SECOND;
    let mut lines = Vec::new();
    for number in 0..MESSAGES {
        let came = start + number as Micros * APART_MICROS;
        let id = format!("1aaaaa-{number:06}-00");
        let arrival = format!("{id} <= ann@example.net H=h [192.0.2.10] P=esmtp S=900 id=m{number}@example.net");
        lines.push(line(0, came, &arrival));
        let wait = match number % 600 {
            0 => None,
            300 => Some(MICROS_PER_HOUR + random.below(7 * MICROS_PER_HOUR as usize) as Micros),
            _ => Some(random.below(5) as Micros * MICROS_PER_SECOND),
        };
        let takes = [("bob", Some(0)), ("carl", wait)];
        for (place, (recipient, wait)) in takes.into_iter().enumerate() {
            let address = format!("{recipient}@example.com");
            let Some(wait) = wait else {
                lines.push(line(0, came, &format!("{id} == {address} R=out T=smtp defer (111): Connection refused")));
                continue;
            };
            let ts = came + wait + MICROS_PER_SECOND;
            let next = format!("1bbbbb-{number:06}-{place:02}");
            let (began, name) = match wait >= MICROS_PER_HOUR {
                true => (ts - MICROS_PER_HOUR / 2, String::new()),
                false => (ts, format!(" id=m{number}@example.net")),
            };
            lines.push(line(1, began, &format!("{next} <= ann@example.net H=h [192.0.2.1] P=esmtp S=900{name}")));
            lines.push(line(1, began, &format!("{next} => {recipient} <{address}> R=users T=maildir")));
            lines.push(line(1, began, &format!("{next} Completed")));
            lines.push(line(
                0,
                ts,
                &format!(r#"{id} => {address} R=out T=smtp H=mx2 [192.0.2.2] C="250 OK id={next}""#),
            ));
            if recipient == "carl" {
                lines.push(line(0, ts, &format!("{id} Completed")));
            }
        }
    }
    lines.sort_by_key(|line| line.ts);
    lines
}

/// The journeys, and the most hops that waited.
fn linked_on_the_way(lines: &[TimedLine]) -> (Vec<Journey>, usize) {
    let mut reading = Reading::of(&["mx1", "mx2"]);
    let (mut linker, mut journeys) = (Linker::in_rounds_of(10), Vec::new());
    let (mut hops, mut most): (Vec<Box<Hop>>, usize) = (Vec::new(), 0);
    for line in lines {
        reading.line(line);
        hops.append(&mut reading.facts.hops);
        let (mut passed_over, until) = PassedOver::at(line.ts);
        let open = reading.hosts.iter().filter_map(|host| host.oldest_open_after(until, &mut passed_over)).min();
        let limit = open.unwrap_or(Micros::MAX).min(passed_over.limit());
        linker.pass_over(passed_over);
        hops.sort_by_key(|hop| hop.ts_in);
        let ready = hops.partition_point(|hop| hop.ts_in < limit);
        hops.drain(..ready).for_each(|hop| linker.push(hop, &mut journeys));
        most = most.max(hops.len());
    }
    hops.extend(reading.hosts.iter().flat_map(Host::open).map(Box::new));
    hops.sort_by_key(|hop| hop.ts_in);
    hops.into_iter().for_each(|hop| linker.push(hop, &mut journeys));
    linker.finish(&mut journeys);
    journeys.sort_by(|a, b| (a.first_arrival, &a.id).cmp(&(b.first_arrival, &b.id)));
    (journeys, most)
}

#[test]
fn linking_without_waiting_for_what_stays_is_linking_at_once() {
    for seed in 0..4 {
        let lines = lines(&mut Random::new(seed));
        let mut reading = Reading::of(&["mx1", "mx2"]);
        lines.iter().for_each(|line| reading.line(line));
        let at_once = link(reading.hops());
        assert_eq!(at_once.len(), MESSAGES, "each message is one journey");
        let (journeys, most) = linked_on_the_way(&lines);
        assert!(journeys == at_once, "seed {seed}");
        // Those of an hour or two, of a day's.
        assert!(most < 3 * MESSAGES / 10, "{most} hops waited");
    }
}
