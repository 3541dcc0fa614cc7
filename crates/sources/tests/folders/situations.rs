//! What happens to a folder's files while all goes well.

use vigie_formats::transcript::{DateOrder, Settings};
use vigie_sources::{Feed, FeedEvent};

use super::rig::{Rig, exchange, large_exchange, made};

const FIRST: &str = "MSGTRK2026032821-1.LOG";
const SECOND: &str = "MSGTRK2026032821-2.LOG";

fn hub() -> Settings {
    Settings { host: "hub1".into(), ..Settings::default() }
}

#[test]
fn a_file_that_grows_comes_once_and_whole() {
    let (mut rig, text) = (Rig::new(hub()), exchange("MSGTRK2026032821-1"));
    for piece in text.chunks(1_733) {
        rig.append(FIRST, piece);
        rig.pass(2);
        rig.poll();
    }
    rig.expect_each(&[FIRST]);
    assert!(rig.streams()[0].starts_with("2026-03-28T21:00:18.985Z ex19a exchange: "), "{:.90}", rig.streams()[0]);
}

#[test]
fn several_files_and_servers_with_rotation() {
    let mut rig = Rig::new(Settings { dates: Some(DateOrder::MonthFirst), ..hub() });
    rig.append(FIRST, &exchange("MSGTRK2026032821-1"));
    rig.append("console1.log", &made("domino/made/acme/edge1/console1"));
    rig.poll();
    rig.append(SECOND, &exchange("MSGTRK2026032821-2"));
    rig.append("MSGTRKMD2026032821-1.LOG", &exchange("MSGTRKMD2026032821-1"));
    rig.append("console2.log", &made("domino/made/acme/edge1/console2"));
    rig.pass(2);
    rig.poll();
    rig.expect_each(&[FIRST, SECOND, "MSGTRKMD2026032821-1.LOG", "console1.log", "console2.log"]);
}

#[test]
fn a_file_that_is_only_a_header_yet_gives_nothing() {
    let (mut rig, text) = (Rig::new(hub()), exchange("MSGTRK2026032821-1"));
    let header = text.iter().position(|&byte| byte == b'2').expect("a row");
    for end in [1, 20, 200, header] {
        rig.write(FIRST, &text[..end]);
        rig.pass(2);
        assert_eq!(rig.poll(), 0, "{end} bytes");
    }
    rig.write(FIRST, &text);
    rig.pass(2);
    rig.poll();
    rig.expect_each(&[FIRST]);
}

#[test]
fn files_of_another_kind_are_passed_over() {
    let mut rig = Rig::new(hub());
    let packed = include_bytes!("../../../../testdata/exchange/made/dag/ex19a/MSGTRK2026032822-1.LOG.gz");
    rig.write("MSGTRK2026032822-1.LOG.gz", packed);
    rig.write("notes.txt", b"read me\n");
    rig.write("mail.log", b"Nov 22 07:03:17 hub1 postfix/qmgr[29719]: ABC: removed\n");
    rig.write("RECV2026032821-1.LOG", b"#Software: Microsoft Exchange Server\r\n#Log-type: SMTP Receive Protocol Log\r\n#Fields: date-time,connector-id\r\n2026-03-28T21:00:18.985Z,x\r\n");
    rig.write("empty.log", b"");
    // A trace is exported whole, and not followed.
    rig.write(
        "trace.csv",
        b"message_trace_id,sender_address,recipient_address,subject,status,to_ip,from_ip,size,received,message_id\r\n",
    );
    rig.write(".hidden.LOG", &exchange("MSGTRK2026032821-2"));
    std::fs::create_dir(rig.path("older")).expect("a folder");
    rig.write(FIRST, &exchange("MSGTRK2026032821-1"));
    rig.expect_each(&[FIRST]);
    assert_eq!(rig.events, []);
}

#[test]
fn a_restart_goes_on_where_the_server_is() {
    let (mut rig, text) = (Rig::new(hub()), large_exchange());
    for (number, piece) in text.chunks(60_000).enumerate() {
        rig.append(FIRST, piece);
        rig.pass(2);
        rig.poll_some(number % 3);
        let stream = rig.order.first().copied();
        if let Some(stream) = stream {
            // In the middle of a piece, too.
            let (durable, end) = (rig.server[&stream].durable, rig.server[&stream].end());
            rig.durable(stream, durable + (end - durable) / 2);
        }
        rig.stop_and_start();
    }
    rig.expect_each(&[FIRST]);
    assert_eq!(rig.order.len(), 1);
}

#[test]
fn a_rewind_into_the_middle_of_a_piece() {
    let (mut rig, text) = (Rig::new(hub()), large_exchange());
    rig.append(FIRST, &text[..text.len() / 2]);
    rig.poll();
    let stream = rig.order[0];
    let end = rig.server[&stream].end();
    assert!(end > 300_000, "several pieces");
    for offset in [end - 1, end / 2 + 3, 1, 0] {
        rig.rewind(stream, offset).expect("not durable");
        rig.append(FIRST, &text[text.len() / 2..][..100]);
        rig.pass(2);
        rig.poll();
    }
    rig.durable(stream, end / 3);
    rig.rewind(stream, end / 3).expect("durable up to there");
    rig.pass(2);
    rig.poll();
    assert!(rig.rewind(stream, 0).is_err(), "the server held it");
    // What was written in the middle of it all was no row, and ends with the next line's end.
    rig.expect_each(&[FIRST]);
}

#[test]
fn no_more_is_read_than_may_be_under_way() {
    let (mut rig, text) = (Rig::new(hub()), exchange("MSGTRK2026032821-1"));
    for number in 0..300 {
        rig.write(&format!("MSGTRK202603{:02}00-{}.LOG", number / 100 + 1, number % 100 + 1), &text[..5_000]);
    }
    let mut pieces = 0;
    for _ in 0..100 {
        pieces += rig.poll();
        rig.pass(1);
    }
    assert_eq!(pieces, 256);
    rig.durable_all();
    rig.settle();
    assert_eq!(rig.order.len(), 300);
}

#[test]
fn a_file_comes_to_its_end_after_a_day_with_what_waited() {
    let (mut rig, mut text) = (Rig::new(hub()), exchange("MSGTRK2026032821-1"));
    // The last row lacks its line end.
    text.truncate(text.len() - 2);
    rig.append(FIRST, &text);
    rig.settle();
    let stream = rig.order[0];
    let before = rig.server[&stream].end();
    assert!(!rig.server[&stream].is_ended);
    rig.pass(23 * 3600);
    assert_eq!(rig.poll(), 0);
    rig.expect_each(&[FIRST]);
    assert!(rig.server[&stream].end() > before, "the last row");
}

#[test]
fn the_end_comes_again_where_the_server_missed_it() {
    let mut rig = Rig::new(hub());
    rig.append(FIRST, &exchange("MSGTRK2026032821-1"));
    rig.poll();
    rig.pass(25 * 3600);
    rig.poll();
    let stream = rig.order[0];
    let end = rig.server[&stream].end();
    assert!(rig.server[&stream].is_ended);
    for offset in [end, end / 2] {
        rig.rewind(stream, offset).expect("not durable");
        rig.pass(2);
        rig.poll();
        assert!(rig.server[&stream].is_ended, "from {offset}");
    }
    rig.expect_each(&[FIRST]);
    assert!(rig.rewind(stream, end).is_err(), "nobody asks for what was held to its end");
}

#[test]
fn a_file_that_is_written_to_after_its_end_is_another_stream() {
    let (mut rig, text) = (Rig::new(hub()), exchange("MSGTRK2026032821-1"));
    let half = text.len() / 2;
    rig.append(FIRST, &text[..half]);
    rig.end();
    let first = rig.streams();
    rig.append(FIRST, &text[half..]);
    rig.end();
    assert_eq!(rig.streams(), [first[0].clone(), rig.whole(&[FIRST])[0].clone()]);
    assert!(rig.order.iter().all(|id| rig.server[id].is_ended));
    // The same when it is found so after a restart.
    rig.stop_and_start();
    rig.settle();
    assert_eq!(rig.order.len(), 2);
    rig.save();
    rig.append(FIRST, b"2026-03-28T21:59:59.000Z,,,\r\n");
    rig.restart();
    rig.end();
    assert_eq!(rig.order.len(), 3);
    assert_eq!(rig.losses(), []);
}

#[test]
fn a_file_that_grows_at_its_end_is_another_stream() {
    let (mut rig, text) = (Rig::new(hub()), exchange("MSGTRK2026032821-1"));
    let half = text.len() / 2;
    rig.append(FIRST, &text[..half]);
    rig.settle();
    rig.pass(25 * 3600);
    rig.poll();
    assert!(rig.server[&rig.order[0]].is_ended);
    // Written to after the last piece was given out, and before the server holds it.
    rig.append(FIRST, &text[half..]);
    rig.pass(2);
    rig.poll();
    rig.end();
    assert_eq!(rig.streams().last(), rig.whole(&[FIRST]).first());
    assert_eq!(rig.losses(), []);
}

/// A first start finds a month of files: they come to their end at once, by the folder's own clock.
#[test]
fn thousands_of_old_files_are_opened_one_by_one() {
    const FILES: usize = 3_000;
    let (mut rig, text) = (Rig::new(hub()), exchange("MSGTRK2026032821-1"));
    for number in 0..FILES {
        let name = format!("MSGTRK202601{:02}{:02}-{}.LOG", number / 240 + 1, number / 10 % 24, number % 10 + 1);
        rig.write(&name, &text[..4_000]);
        rig.age(&name, (40 * 24 + FILES - number) as u64 * 3600);
    }
    rig.write(FIRST, &text);
    let logs = rig.path("");
    let open_now = || {
        let links = std::fs::read_dir("/proc/self/fd").expect("descriptors").flatten();
        links.filter_map(|link| std::fs::read_link(link.path()).ok()).filter(|path| path.starts_with(&logs)).count()
    };
    let mut calls = 0;
    for _ in 0..FILES * 2 {
        calls += 1;
        let pieces = rig.poll_some(1);
        assert!(open_now() <= 1);
        rig.durable_all_of_last();
        if pieces == 0 {
            rig.pass(1);
        }
        if rig.order.len() > FILES && rig.folder.backlog_bytes() == 0 {
            break;
        }
    }
    rig.settle();
    assert!(calls > FILES && rig.order.len() == FILES + 1, "{calls} calls, {} streams", rig.order.len());
    let open = rig.order.iter().filter(|id| !rig.server[id].is_ended).count();
    assert_eq!(open, 1, "only the youngest goes on");
    // After a restart nothing is read again.
    let streams = rig.order.len();
    rig.stop_and_start();
    assert_eq!(rig.poll(), 0);
    rig.settle();
    assert_eq!((rig.order.len(), rig.losses().len()), (streams, 0));
}

#[test]
fn the_host_that_the_rows_name_counts() {
    let mut rig = Rig::new(Settings { host: "another".into(), ..Settings::default() });
    rig.append(FIRST, &exchange("MSGTRK2026032821-1"));
    rig.expect_each(&[FIRST]);
    let text = &rig.streams()[0];
    assert!(text.lines().all(|line| line.contains("Z ex19a exchange: ")), "{text:.90}");
}

#[test]
fn a_console_is_not_followed_beside_its_mirror() {
    let mut rig = Rig::new(hub());
    let text = made("domino/made/acme/edge1/console1");
    rig.append("console.log", &text);
    rig.append("console1.log", &text);
    rig.expect_each(&["console1.log"]);
}

#[test]
fn a_console_whose_dates_tell_nothing_waits_for_a_word() {
    let text = made("domino/made/ambiguous/single/console");
    let mut rig = Rig::new(hub());
    rig.append("console1.log", &text[..text.len() / 2]);
    rig.settle();
    rig.append("console1.log", &text[text.len() / 2..]);
    rig.settle();
    assert_eq!(rig.order.len(), 0);
    let notices = rig.notices();
    assert_eq!(notices.len(), 1, "once: {notices:?}");
    assert!(notices[0].contains("console1.log") && notices[0].contains("dates = day-first"), "{notices:?}");
    let mut named = Rig::new(Settings { dates: Some(DateOrder::MonthFirst), ..hub() });
    for piece in text.chunks(3_000) {
        named.append("console1.log", piece);
        named.pass(2);
        assert!(named.poll() > 0, "at once");
    }
    named.expect_each(&["console1.log"]);
}

/// The time of a file helps an import to read its dates. While it is followed that time changes, and must not.
#[test]
fn what_was_decided_about_dates_does_not_change_with_the_time_of_the_file() {
    let line = |date: &str, minute: u32| format!("[1D44:0658-0C6C] {date} 10:{minute:02}:00   Router: x\n");
    let mut rig = Rig::new(hub());
    let days = ["05/01/2014", "05/02/2014", "05/03/2014", "05/04/2014"];
    for (number, day) in days.into_iter().enumerate() {
        rig.append("console1.log", (0..30).map(|minute| line(day, minute)).collect::<String>().as_bytes());
        // As if it had been written in January, then in May, then now.
        rig.age("console1.log", [4_500, 4_400, 1, 0][number] * 24 * 3600);
        rig.pass(2);
        rig.poll();
    }
    assert!(!rig.order.is_empty(), "the second day decides");
    rig.end();
    assert_eq!((rig.order.len(), rig.losses()), (1, vec![]));
}

#[test]
fn files_that_numbers_show_to_be_missing_are_told_once() {
    let (mut rig, text) = (Rig::new(hub()), exchange("MSGTRK2026032821-1"));
    let name = |number: u32| format!("MSGTRK2026032821-{number}.LOG");
    for number in [1, 2, 5] {
        rig.write(&name(number), &text[..3_000]);
    }
    rig.settle();
    assert_eq!(rig.notices().len(), 1, "{:?}", rig.notices());
    assert!(rig.notices()[0].starts_with("Of MSGTRK2026032821 the files 3 to 4 are missing. "), "{:?}", rig.notices());
    // Those that are removed later were there.
    rig.remove(&name(1));
    rig.remove(&name(2));
    rig.write(&name(6), &text[..3_000]);
    rig.end();
    assert_eq!(rig.notices().len(), 1);
    rig.write(&name(8), &text[..3_000]);
    rig.settle();
    let told = rig.told(|event| matches!(event, FeedEvent::Notice { text } if text.contains("3 to 4, 7 are missing")));
    assert_eq!((told, rig.notices().len(), rig.losses()), (1, 2, vec![]));
}

/// A service goes on from file to file, and the server reads its lines as those of one log.
#[test]
fn what_was_written_first_is_read_first() {
    let (mut rig, text) = (Rig::new(hub()), exchange("MSGTRK2026032821-1"));
    let header = text.windows(3).position(|bytes| bytes == b"\n20").expect("a row") + 1;
    let row = |number: u32| {
        format!("2026-03-28T21:00:{number:02}.000Z,,,,ex19a,,,SMTP,RECEIVE,{number},<x>,y,,,,,,,,,,,,,,,,,,\r\n")
    };
    let numbers = [1, 2, 9, 10, 11];
    for number in [10, 2, 11, 1, 9] {
        let name = format!("MSGTRK2026032821-{number}.LOG");
        rig.write(&name, &[&text[..header], row(number).as_bytes()].concat());
        // Copied without their times.
        rig.age(&name, 100);
    }
    rig.poll();
    let first = |texts: Vec<String>| texts.iter().map(|text| text[..19].to_owned()).collect::<Vec<_>>();
    assert_eq!(first(rig.streams()), numbers.map(|number| format!("2026-03-28T21:00:{number:02}")));
    let label = rig.path("MSGTRK*.LOG").display().to_string();
    assert!(rig.order.iter().all(|stream| rig.folder.label_of(*stream) == label));
    // Mirrors of a console have their order from when they were written.
    let mut rig = Rig::new(Settings { dates: Some(DateOrder::MonthFirst), ..hub() });
    for (name, age) in [("console1.log", 50), ("console7.log", 90)] {
        rig.write(name, format!("[1D44:0658-0C6C] 01/31/2026 01:52:{:02}   Router: x\n", 99 - age).as_bytes());
        rig.age(name, age);
    }
    rig.poll();
    assert_eq!(
        first(rig.streams()),
        ["2026-01-31T01:52:09", "2026-01-31T01:52:49"].iter().map(|text| text.to_string()).collect::<Vec<_>>()
    );
}
