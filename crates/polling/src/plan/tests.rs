//! Which times are read, and which count as read.

use super::*;

const DAY: i64 = 86_400;
const NOW: i64 = 1_795_321_949;
const EVERY: Duration = Duration::from_secs(300);

/// Runs a plan against a service whose windows have so many pages, until it rests; gives what was read.
fn run(
    plan: &mut Plan,
    wall: i64,
    steady: Duration,
    floor: i64,
    pages: impl Fn(Window) -> u64,
) -> (Vec<Window>, Duration) {
    let (mut read, mut lost) = (Vec::new(), None);
    loop {
        match plan.next(wall, steady, floor, &mut lost) {
            Next::At(at) => return (read, at),
            Next::Read(window) => {
                plan.is_read(window, wall, pages(window), steady);
                read.push(window);
            }
        }
        assert!(read.len() < 10_000, "it does not rest");
    }
}

fn sweeps(read: &[Window]) -> Vec<Window> {
    read.iter().copied().filter(|window| window.kind == Kind::Sweep).collect()
}

fn is_whole(read: &[Window], from: i64, until: i64) -> bool {
    let follows = read.windows(2).all(|pair| pair[0].end == pair[1].start);
    follows
        && read.first().is_some_and(|first| first.start == from)
        && read.last().is_some_and(|last| last.end == until)
}

#[test]
fn the_first_start_reads_its_history_and_nothing_counts_for_good_that_may_change() {
    let mut plan = Plan::new(EVERY, 10, None);
    let (read, at) = run(&mut plan, NOW, Duration::ZERO, i64::MIN, |_| 1);
    let read = sweeps(&read);
    assert!(is_whole(&read, NOW - 10 * DAY, NOW - LAG_S), "{read:?}");
    assert!(read.iter().all(|window| window.end - window.start <= WINDOW_S_MAX));
    assert_eq!(plan.durable(), Some(NOW - AGAIN_S));
    assert_eq!(at, EVERY);
}

#[test]
fn the_last_two_days_are_read_again_with_each_poll() {
    let mut plan = Plan::new(EVERY, 10, None);
    run(&mut plan, NOW, Duration::ZERO, i64::MIN, |_| 1);
    for poll in 1..20 {
        let wall = NOW + poll * 300;
        let (read, _) = run(&mut plan, wall, EVERY * poll as u32, i64::MIN, |_| 1);
        assert!(is_whole(&read, wall - 300 - AGAIN_S, wall - LAG_S), "{read:?}");
    }
}

#[test]
fn who_was_away_for_weeks_goes_on_from_what_is_durable() {
    let durable = NOW - 30 * DAY;
    let mut plan = Plan::new(EVERY, 10, Some(durable));
    let (read, _) = run(&mut plan, NOW, Duration::ZERO, i64::MIN, |_| 1);
    assert!(is_whole(&sweeps(&read), durable, NOW - LAG_S));
    // What is new comes first all the same.
    assert_eq!(read[0].kind, Kind::Glance);
}

#[test]
fn what_microsoft_no_longer_has_is_told_once() {
    let mut plan = Plan::new(EVERY, 10, Some(NOW - 100 * DAY));
    let mut lost = None;
    let oldest = NOW - HISTORY_S + HISTORY_SPARE_S;
    plan.next(NOW, Duration::ZERO, i64::MIN, &mut lost);
    assert_eq!(lost.take(), Some((NOW - 100 * DAY, oldest)));
    assert_eq!(plan.durable(), Some(oldest));
    let (read, _) = run(&mut plan, NOW, Duration::ZERO, i64::MIN, |_| 1);
    assert!(is_whole(&sweeps(&read), oldest, NOW - LAG_S));
}

#[test]
fn a_kill_in_a_sweep_begins_again_at_what_is_durable() {
    let mut plan = Plan::new(EVERY, 10, None);
    let mut lost = None;
    let mut ends = Vec::new();
    for _ in 0..4 {
        let Next::Read(window) = plan.next(NOW, EVERY, i64::MIN, &mut lost) else { panic!("it rests") };
        plan.is_read(window, NOW, 10, EVERY);
        ends.extend((window.kind == Kind::Sweep).then_some(window.end));
    }
    let durable = plan.durable().expect("something is");
    assert_eq!(Some(&durable), ends.last());
    let mut again = Plan::new(EVERY, 10, Some(durable));
    let (read, _) = run(&mut again, NOW, Duration::ZERO, i64::MIN, |_| 1);
    assert!(is_whole(&sweeps(&read), durable, NOW - LAG_S));
}

#[test]
fn a_row_is_read_once_more_when_it_is_two_days_old() {
    let mut plan = Plan::new(EVERY, 10, None);
    let received = NOW + 1000;
    let (mut oldest_read, mut wall, mut steady) = (0, NOW, Duration::ZERO);
    while wall < NOW + 5 * DAY {
        let (read, at) = run(&mut plan, wall, steady, i64::MIN, |_| 3);
        if read.iter().any(|window| (window.start..=window.end).contains(&received)) {
            oldest_read = wall - received;
        }
        wall += (at - steady).as_secs() as i64;
        steady = at;
    }
    assert!((AGAIN_S..AGAIN_S + 3600).contains(&oldest_read), "{oldest_read}");
}

#[test]
fn a_large_tenant_is_swept_seldom_and_looked_at_often() {
    let mut plan = Plan::new(EVERY, 2, None);
    // 400 pages in two days.
    let pages = |window: Window| ((window.end - window.start) as u64).div_ceil(432).max(1);
    run(&mut plan, NOW, Duration::ZERO, i64::MIN, pages);
    let (mut asked, mut glances, mut swept) = (0, 0, 0);
    let (mut wall, mut steady) = (NOW, Duration::ZERO);
    while wall < NOW + DAY {
        let (read, at) = run(&mut plan, wall, steady, i64::MIN, pages);
        asked += read.iter().map(|window| pages(*window)).sum::<u64>();
        glances += read.iter().filter(|window| window.kind == Kind::Glance).count();
        swept += usize::from(!sweeps(&read).is_empty());
        wall += (at - steady).as_secs() as i64;
        steady = at;
    }
    assert!((2..=4).contains(&swept), "{swept} sweeps");
    assert!(glances > 250, "{glances} glances");
    // A day's share at 60 requests in five minutes would be 17,280.
    assert!(asked < 5000, "{asked} requests");
}

#[test]
fn windows_become_as_long_as_their_pages_allow() {
    let mut plan = Plan::new(EVERY, 90, None);
    let (quiet, _) = run(&mut plan, NOW, Duration::ZERO, i64::MIN, |_| 1);
    assert!(quiet.len() < 20, "{}", quiet.len());
    let mut plan = Plan::new(EVERY, 10, None);
    let (busy, _) = run(&mut plan, NOW, Duration::ZERO, i64::MIN, |window| (window.end - window.start) as u64 / 60);
    let last = sweeps(&busy).iter().rev().nth(1).copied().expect("many");
    assert!(last.end - last.start <= 60 * 40, "{last:?}");
}

#[test]
fn a_window_is_split_until_it_cannot_be() {
    let mut plan = Plan::new(EVERY, 10, None);
    let mut lost = None;
    let mut splits = 0;
    loop {
        let Next::Read(window) = plan.next(NOW, Duration::ZERO, i64::MIN, &mut lost) else { panic!("it rests") };
        if !plan.split(window, 8, Duration::ZERO) {
            assert_eq!((window.kind, window.start, window.end), (Kind::Sweep, NOW - 10 * DAY, NOW - 10 * DAY + 60));
            break;
        }
        splits += 1;
    }
    assert!(splits < 10, "{splits}");
}

#[test]
fn what_is_not_known_any_more_is_not_read_again_but_what_was_never_read_is() {
    let floor = NOW - DAY;
    let mut plan = Plan::new(EVERY, 10, None);
    let (read, _) = run(&mut plan, NOW, Duration::ZERO, floor, |_| 1);
    assert!(is_whole(&sweeps(&read), NOW - 10 * DAY, NOW - LAG_S));
    let (read, _) = run(&mut plan, NOW + 300, EVERY, floor, |_| 1);
    assert!(is_whole(&sweeps(&read), floor, NOW + 300 - LAG_S));
}

#[test]
fn a_clock_that_was_wrong_does_not_keep_it_from_reading() {
    let mut plan = Plan::new(EVERY, 10, Some(NOW + 1000 * DAY));
    let (read, _) = run(&mut plan, NOW, Duration::ZERO, i64::MIN, |_| 1);
    assert!(is_whole(&sweeps(&read), NOW - AGAIN_S, NOW - LAG_S), "{read:?}");
}
