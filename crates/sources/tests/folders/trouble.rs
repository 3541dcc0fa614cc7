//! What happens to a folder's files when something goes wrong.

use std::fs;

use vigie_formats::transcript::Settings;
use vigie_sources::FeedEvent;

use super::rig::{Rig, exchange, large_exchange, whole};

const FIRST: &str = "MSGTRK2026032821-1.LOG";
const SECOND: &str = "MSGTRK2026032821-2.LOG";

fn rig() -> Rig {
    Rig::new(Settings { host: "hub1".into(), ..Settings::default() })
}

#[test]
fn another_file_of_the_same_name_is_read_whole() {
    for is_restarted in [false, true] {
        let mut rig = rig();
        rig.write(FIRST, &exchange("MSGTRK2026032821-1"));
        rig.settle();
        let before = rig.whole(&[FIRST]);
        rig.save();
        rig.write(FIRST, &exchange("MSGTRK2026032821-2"));
        if is_restarted {
            rig.restart();
        }
        rig.end();
        assert_eq!(rig.streams(), [before[0].clone(), rig.whole(&[FIRST])[0].clone()]);
        assert_eq!(rig.told(|event| matches!(event, FeedEvent::Overwritten { .. })), 1);
        assert_eq!(rig.losses().len(), 1, "{:?}", rig.events);
        // After a restart nobody knows how far the server came with what is gone.
        let ended = rig.order.iter().filter(|id| rig.server[id].is_ended).count();
        assert_eq!(ended, if is_restarted { 1 } else { 2 });
    }
}

/// Something was sent and nothing is durable: no hash tells that it is another file now, but its first bytes do.
#[test]
fn another_file_of_the_same_name_before_anything_was_durable() {
    let mut rig = rig();
    rig.write(FIRST, &exchange("MSGTRK2026032821-1"));
    rig.poll();
    rig.save();
    let before = rig.streams();
    rig.write(FIRST, &exchange("MSGTRK2026032821-2"));
    rig.restart();
    rig.settle();
    assert_eq!(rig.streams(), [before[0].clone(), rig.whole(&[FIRST])[0].clone()]);
}

#[test]
fn a_file_that_is_emptied_and_begun_anew() {
    let mut rig = rig();
    rig.write(FIRST, &exchange("MSGTRK2026032821-1"));
    rig.settle();
    rig.write(FIRST, b"");
    rig.settle();
    rig.write(FIRST, &exchange("MSGTRK2026032821-2"));
    rig.end();
    assert_eq!(rig.streams().last(), rig.whole(&[FIRST]).first());
    assert_eq!(rig.streams().len(), 2);
}

/// As the console.log that a server writes over from its start: it is read now and then, and not with each line.
#[test]
fn a_file_that_is_written_over_again_and_again_is_read_seldom() {
    let mut rig = rig();
    for number in 0..100 {
        let rows = exchange("MSGTRK2026032821-1");
        let subject = format!("2026-03-28T21:00:{:02}.000Z", number % 60);
        let text = String::from_utf8(rows).expect("text").replace("2026-03-28T21:00:18.985Z", &subject);
        rig.write(FIRST, text.as_bytes());
        rig.pass(2);
        rig.poll();
    }
    let streams = rig.order.len();
    assert!((2..8).contains(&streams), "{streams} streams in 200 s");
    rig.end();
    assert_eq!(rig.streams().last(), rig.whole(&[FIRST]).first());
}

#[test]
fn a_file_that_is_removed_after_it_was_read_is_no_loss() {
    let mut rig = rig();
    rig.write(FIRST, &exchange("MSGTRK2026032821-1"));
    rig.write(SECOND, &exchange("MSGTRK2026032821-2"));
    rig.poll();
    let wanted = rig.whole(&[FIRST, SECOND]);
    rig.remove(FIRST);
    rig.end();
    assert_eq!((rig.streams(), rig.losses()), (wanted, vec![]));
    assert!(rig.order.iter().all(|id| rig.server[id].is_ended));
    rig.save();
    rig.remove(SECOND);
    rig.write("other.txt", b"x\n");
    rig.restart();
    rig.end();
    assert_eq!(rig.losses(), [], "it had ended");
}

#[test]
fn a_file_that_is_removed_before_it_was_read_is_a_loss() {
    let (mut rig, text) = (rig(), large_exchange());
    rig.write(SECOND, &exchange("MSGTRK2026032821-2"));
    rig.append(FIRST, &text[..text.len() / 2]);
    rig.poll();
    rig.append(FIRST, &text[text.len() / 2..]);
    rig.remove(FIRST);
    rig.append(SECOND, b"\r\n");
    rig.end();
    // What was seen of it was read: that it had grown meanwhile, nobody saw.
    assert_eq!(rig.losses(), []);
    let name = "MSGTRK2026032821-3.LOG";
    rig.write(name, &text[..text.len() / 2]);
    rig.pass(2);
    rig.poll();
    let stream = *rig.order.last().expect("a stream");
    let end = rig.server[&stream].end();
    rig.rewind(stream, end / 2).expect("not durable");
    rig.remove(name);
    rig.end();
    let wanted = FeedEvent::Lost {
        stream,
        from: end / 2,
        bytes: Some(end - end / 2),
        why: format!("{} was removed before it was read to its end; keep such files longer", rig.path(name).display()),
    };
    assert_eq!(rig.losses(), [wanted]);
    assert!(rig.server[&stream].is_ended);
}

#[test]
fn a_file_that_is_removed_while_it_is_read_comes_whole() {
    let (mut rig, text) = (rig(), large_exchange());
    rig.write(FIRST, &text);
    rig.write(SECOND, &exchange("MSGTRK2026032821-2"));
    let mut wanted = rig.whole(&[FIRST, SECOND]);
    rig.poll_some(1);
    rig.remove(if rig.streams()[0].len() > 200_000 { FIRST } else { SECOND });
    rig.pass(2);
    rig.end();
    let mut streams = rig.streams();
    streams.sort();
    wanted.sort();
    assert!(streams == wanted && rig.losses().is_empty(), "{:?}", rig.events);
}

#[test]
fn a_file_that_is_removed_while_nobody_looked_is_told() {
    let (mut rig, text) = (rig(), exchange("MSGTRK2026032821-1"));
    rig.write(FIRST, &text);
    rig.write(SECOND, &text[..4_000]);
    rig.settle();
    rig.save();
    rig.remove(FIRST);
    rig.restart();
    rig.settle();
    let is_told = |event: &FeedEvent| matches!(event, FeedEvent::Lost { bytes: None, why, .. } if why.contains(FIRST));
    assert_eq!((rig.told(is_told), rig.losses().len()), (1, 1));
}

#[test]
fn a_share_that_is_away_loses_nothing_and_is_told_once() {
    for leaves_folder in [false, true] {
        let (mut rig, text) = (rig(), exchange("MSGTRK2026032821-1"));
        rig.write(FIRST, &text[..text.len() / 2]);
        rig.poll();
        rig.unmount(leaves_folder);
        for _ in 0..20 {
            rig.pass(60);
            rig.poll();
        }
        // A restart does not change that.
        rig.stop_and_start();
        rig.poll();
        let is_away = |event: &FeedEvent| matches!(event, FeedEvent::Missing { .. } | FeedEvent::Unreadable { .. });
        assert_eq!(rig.told(is_away), 2, "once in each run: {:?}", rig.events);
        rig.mount();
        rig.append(FIRST, &text[text.len() / 2..]);
        rig.pass(2);
        rig.poll();
        assert_eq!(rig.told(|event| matches!(event, FeedEvent::Returned { .. })), 1);
        rig.expect_each(&[FIRST]);
        assert_eq!(rig.order.len(), 1);
    }
}

#[test]
fn a_folder_that_is_not_there_from_the_start() {
    let mut rig = rig();
    fs::remove_dir(rig.path("")).expect("removed");
    rig.settle();
    assert_eq!(rig.told(|event| matches!(event, FeedEvent::Missing { .. })), 1);
    fs::create_dir(rig.path("")).expect("a folder");
    rig.write(FIRST, &exchange("MSGTRK2026032821-1"));
    rig.expect_each(&[FIRST]);
}

/// As a share does that is mounted again.
#[test]
fn files_that_get_other_numbers_go_on() {
    let (mut rig, text) = (rig(), large_exchange());
    let half = text.len() / 2;
    rig.write(FIRST, &text[..half]);
    rig.settle();
    for end in [half, text.len()] {
        rig.write(FIRST, &text[..end]);
        rig.renumber(FIRST);
        rig.settle();
    }
    rig.stop_and_start();
    rig.expect_each(&[FIRST]);
    assert_eq!(rig.order.len(), 1);
}

#[test]
fn a_file_that_is_renamed_goes_on() {
    for is_running in [true, false] {
        let (mut rig, text) = (rig(), large_exchange());
        rig.write(FIRST, &text[..text.len() / 2]);
        rig.settle();
        rig.save();
        fs::rename(rig.path(FIRST), rig.path("kept.LOG")).expect("renamed");
        rig.append("kept.LOG", &text[text.len() / 2..]);
        if !is_running {
            rig.restart();
        }
        rig.expect_each(&["kept.LOG"]);
        assert_eq!(rig.order.len(), 1);
    }
}

#[test]
fn a_file_that_shrinks_while_it_is_read_is_read_again() {
    let (mut rig, text) = (rig(), large_exchange());
    rig.write(FIRST, &text);
    rig.poll_some(1);
    rig.write(FIRST, &exchange("MSGTRK2026032821-2"));
    rig.end();
    let wanted = whole(&rig.path(FIRST), &rig.settings);
    assert_eq!(rig.streams().last(), Some(&wanted));
    assert_eq!(rig.told(|event| matches!(event, FeedEvent::Overwritten { .. })), 1);
}
