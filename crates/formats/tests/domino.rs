//! Files of a Domino server written anew: dialects, the order of dates, and bad input.

use vigie_formats::transcript::{DateOrder, HEAD_BYTES, Settings, recognise};
use vigie_model::parse_iso;

fn settings(modified: &str) -> Settings {
    Settings { host: "hub1".to_owned(), modified: parse_iso(modified).unwrap_or(0), ..Settings::default() }
}

/// What was written, as lines, and what was said.
fn transcribed(text: &[u8], settings: &Settings) -> (Vec<String>, String) {
    let mut transcriber = recognise(&text[..text.len().min(HEAD_BYTES)], settings).expect("a file of a Domino server");
    let mut out = Vec::new();
    text.chunks(7000).for_each(|piece| transcriber.bytes(piece, &mut out));
    transcriber.finish(&mut out);
    let out = String::from_utf8(out).expect("UTF-8, whatever the file was");
    assert!(out.is_empty() || out.ends_with('\n'));
    (out.lines().map(str::to_owned).collect(), transcriber.remarks().join("\n"))
}

fn lines(text: &str) -> Vec<String> {
    transcribed(format!("{text}\n").as_bytes(), &settings("")).0
}

/// Each dialect as it was seen, with the line that comes of it.
#[test]
fn prefixes_and_times_in_all_dialects() {
    let cases = [
        (
            "[1D44:0658-0C6C] 01/31/2026 01:52:26   Router: x",
            "2026-01-31T01:52:26 hub1 domino: [1D44:0658-0C6C] Router: x",
        ),
        (
            "[28325:00010-3735542592] 12/31/2019 05:16:40 PM  x",
            "2019-12-31T17:16:40 hub1 domino: [28325:00010-3735542592] x",
        ),
        ("[12209:00021-00015] 13/06/2014 11:36:38   x", "2014-06-13T11:36:38 hub1 domino: [12209:00021-00015] x"),
        (
            "[10780:00015-00007F4E8FFA6700] 20.03.2022 07:36:42   x",
            "2022-03-20T07:36:42 hub1 domino: [10780:00015-00007F4E8FFA6700] x",
        ),
        (
            "[025432:000011-00007F5CDCD98700] 2016-06-14 15:54:23   x",
            "2016-06-14T15:54:23 hub1 domino: [025432:000011-00007F5CDCD98700] x",
        ),
        ("30-07-2005 23:07:20   SMTP Server: x", "2005-07-30T23:07:20 hub1 domino: SMTP Server: x"),
        ("[4674:000E-30C8] 09/13/2016 09:49:47.90 PM x", "2016-09-13T21:49:47.90 hub1 domino: [4674:000E-30C8] x"),
        ("> [2338:0002-3C88] 01/31/2026 12:00:01 AM  x", "2026-01-31T00:00:01 hub1 domino: [2338:0002-3C88] x"),
        ("[2338:0002-3C88] 01/31/2026 12:00:01 PM  x", "2026-01-31T12:00:01 hub1 domino: [2338:0002-3C88] x"),
        ("[2338:0002-3C88] 31/01/2026 12.00.01   x", "2026-01-31T12:00:01 hub1 domino: [2338:0002-3C88] x"),
    ];
    for (line, wanted) in cases {
        assert_eq!(lines(line), [wanted]);
    }
}

#[test]
fn a_line_without_time_gets_that_of_the_line_before_or_of_the_first() {
    let text = "Domino server startup\n[1D44:0658-0C6C] 01/31/2026 01:52:26   Router: x\nUnable to bind to port 25\n\n[0C44:0009-1234] Lock(Mode=X)\n";
    let (lines, said) = transcribed(text.as_bytes(), &settings(""));
    assert_eq!(
        lines,
        [
            "2026-01-31T01:52:26 hub1 domino: \tDomino server startup",
            "2026-01-31T01:52:26 hub1 domino: [1D44:0658-0C6C] Router: x",
            "2026-01-31T01:52:26 hub1 domino: \tUnable to bind to port 25",
            "2026-01-31T01:52:26 hub1 domino: \t[0C44:0009-1234] Lock(Mode=X)",
        ]
    );
    assert!(said.contains("3 lines have no time"), "{said}");
}

fn dates(dates: &[&str], settings: &Settings) -> (Vec<String>, String) {
    let text: String = dates.iter().map(|date| format!("[1D44:0658-0C6C] {date}   Router: x\n")).collect();
    let (lines, said) = transcribed(text.as_bytes(), settings);
    (lines.iter().map(|line| line[..10].to_owned()).collect(), said)
}

#[test]
fn one_day_above_twelve_settles_the_whole_file() {
    let (days, said) = dates(&["05/06/2014 23:00:00", "06/06/2014 01:00:00", "13/06/2014 11:36:38"], &settings(""));
    assert_eq!(days, ["2014-06-05", "2014-06-06", "2014-06-13"]);
    assert_eq!(said, "dates are day first: 13/06/2014 in line 3");
}

#[test]
fn a_night_between_two_lines_tells_the_order_as_an_assumption() {
    let (days, said) = dates(&["05/06/2014 23:59:00", "06/06/2014 00:01:00"], &settings(""));
    assert_eq!(days, ["2014-06-05", "2014-06-06"]);
    assert!(
        said.contains("dates were read day first, which is an assumption (05/06/2014 in line 1)")
            && said.contains("name the order"),
        "{said}"
    );
    let (days, said) = dates(&["06/05/2014 23:59:00", "06/06/2014 00:01:00"], &settings(""));
    assert_eq!(days, ["2014-06-05", "2014-06-06"]);
    assert!(said.contains("dates were read month first, which is an assumption"), "{said}");
}

#[test]
fn no_line_is_younger_than_its_file() {
    assert_eq!(dates(&["05/06/2014 10:00:00"], &settings("2014-05-07T00:00:00Z")).0, ["2014-05-06"]);
    assert_eq!(dates(&["06/05/2014 10:00:00"], &settings("2014-05-07T00:00:00Z")).0, ["2014-05-06"]);
    // Both are older; a file that was not copied is as old as its last line.
    assert_eq!(dates(&["05/06/2014 10:00:00"], &settings("2014-06-05T11:00:00Z")).0, ["2014-06-05"]);
}

/// Monthly lines in one order are daily ones in the other: the file's own time decides, and not the smaller gaps.
#[test]
fn a_server_that_says_little_is_read_by_the_time_of_its_file() {
    let monthly = ["05/01/2014 10:00:00", "05/02/2014 10:00:00", "05/03/2014 10:00:00"];
    assert_eq!(dates(&monthly, &settings("2014-03-05T11:00:00Z")).0, ["2014-01-05", "2014-02-05", "2014-03-05"]);
}

#[test]
fn crash_text_of_any_kind_does_not_hide_a_console() {
    let text = format!("{}[1D44:0658-0C6C] 01/31/2026 01:52:26   Router: x\n", "{\n<stack>\n\tat x\n".repeat(100));
    assert_eq!(lines(&text).len(), 301);
}

/// Nothing tells: the habit of those who write dates so, and it is said.
#[test]
fn a_single_day_of_which_nothing_is_known() {
    let (days, said) = dates(&["05/06/2014 10:00:00", "05/06/2014 11:00:00"], &settings(""));
    assert_eq!(days, ["2014-05-06", "2014-05-06"]);
    assert!(said.contains("assumption"), "{said}");
    assert_eq!(dates(&["05.06.2014 10:00:00"], &settings("")).0, ["2014-06-05"]);
}

#[test]
fn a_named_order_is_the_order() {
    let named = Settings { dates: Some(DateOrder::DayFirst), ..settings("") };
    let (days, said) = dates(&["05/06/2014 10:00:00", "06/13/2014 10:00:00"], &named);
    assert_eq!(days, ["2014-06-05", "2014-06-13"]);
    assert!(said.contains("dates were read day first, as it was named"), "{said}");
    assert!(said.contains("1 dates exist only in the other order, the first is 06/13/2014 in line 2"), "{said}");
}

#[test]
fn dates_that_contradict_each_other_are_counted() {
    let (days, said) = dates(
        &["13/06/2014 10:00:00", "06/14/2014 10:00:00", "06/15/2014 10:00:00", "07/06/2014 10:00:00"],
        &settings(""),
    );
    assert_eq!(days, ["2014-06-07", "2014-06-13", "2014-06-14", "2014-06-15"]);
    assert!(said.contains("dates are day first: 13/06/2014 in line 1"), "{said}");
    assert!(said.contains("2 dates exist only in the other order, the first is 06/14/2014 in line 2"), "{said}");
}

/// An assumption that turns out wrong is given up, and said.
#[test]
fn an_assumption_is_given_up_when_a_date_contradicts_it() {
    let (days, said) = dates(
        &["05/06/2014 10:00:00", "06/06/2014 10:00:00", "06/13/2014 10:00:00", "06/07/2014 10:00:00"],
        &settings(""),
    );
    assert_eq!(days, ["2014-06-05", "2014-06-06", "2014-06-13", "2014-06-07"]);
    assert!(said.contains("dates are month first: 06/13/2014 in line 3; the lines before it were read day first, which was an assumption"), "{said}");
}

#[test]
fn latin_1_becomes_utf_8() {
    let text = b"[1D44:0658-0C6C] 13/06/2014 11:36:38   Router: J\xF6rg\n[1D44:0658-0C6C] 13/06/2014 11:36:39   Router: J\xC3\xB6rg \xE2\x82\xAC\n";
    let (lines, said) = transcribed(text, &settings(""));
    assert!(lines[0].ends_with("Router: Jörg") && lines[1].ends_with("Router: Jörg €"), "{lines:?}");
    assert!(said.contains("1 lines are no UTF-8: they were read as ISO 8859-1"), "{said}");
}

/// In autumn clocks go back by an hour, which is no sign of a file that was written over.
#[test]
fn times_that_jump_back_are_said_once_they_jump_far() {
    let night = ["25.10.2025 23:00:00", "26.10.2025 02:59:59", "26.10.2025 02:00:00"];
    assert!(!dates(&night, &settings("")).1.contains("jumps back"));
    let over = ["26.10.2025 10:00:00", "25.10.2025 10:00:00", "25.10.2025 11:00:00", "24.10.2025 10:00:00"];
    let (_, said) = dates(&over, &settings(""));
    assert!(said.contains("2 times the time jumps back in the middle of the file, first in line 2"), "{said}");
}

/// Other programs' logs stand for themselves.
#[test]
fn no_other_log_is_taken_for_a_domino_servers() {
    let others = [
        "Nov 22 04:27:10 hub1 postfix/smtpd[100]: connect from unknown[192.0.2.66]\n",
        "2026-11-22T04:27:10.123456+00:00 hub1 postfix/smtpd[100]: connect\n",
        "2026-11-22 04:27:10 1kgXyz-0001Ab-Cd <= ann@example.net H=h [192.0.2.1]\n",
        "2026-11-22 04:27:10 imap-login: Info: Login: user=<bob>\n",
        "2026-11-22 04:27:10 #123(rspamd_proxy) <abc>; proxy; accept\n",
        "<22>Nov 22 04:27:10 hub1 domino: Router: Message 00060B84 delivered to Jane/Acme\n",
        "{\"MESSAGE\":\"Router: Message 00060B84 delivered to Jane/Acme\",\"SYSLOG_IDENTIFIER\":\"domino\"}\n",
        "{\"body\":\"GET /\",\"resource\":{\"service.name\":\"nginx\",\"host.name\":\"web01\"}}\n",
        "node_load1 0.4\n# TYPE node_load1 gauge\n",
        "01/31/2026 01:52:26 something of another program\n",
        "Record #: 1\n{\n}\n",
        "",
        "\n\n",
        "[",
    ];
    for text in others {
        let text = text.repeat(20);
        assert!(recognise(text.as_bytes(), &settings("")).is_none(), "{text}");
    }
    // Even with some lines of a console in it.
    let quoted = format!("{}[1D44:0658-0C6C] 01/31/2026 01:52:26   Router: x\n", others[0].repeat(20));
    assert!(recognise(quoted.as_bytes(), &settings("")).is_none());
}

#[test]
fn a_line_of_a_megabyte_is_cut_and_said() {
    let mut text = b"[1D44:0658-0C6C] 01/31/2026 01:52:26   Router: Message 00060B84 delivered to ".to_vec();
    text.extend(std::iter::repeat_n(b'x', 3_000_000));
    text.extend_from_slice("é\n[1D44:0658-0C6C] 01/31/2026 01:52:27   Router: x\n".as_bytes());
    let (lines, said) = transcribed(&text, &settings(""));
    assert_eq!(lines.len(), 2);
    assert!(
        lines[0].len() < 40_000 && lines[0].contains("domino: \t["),
        "cut, and marked so that nothing is read from it"
    );
    assert!(said.contains("1 lines are longer than a mebibyte"), "{said}");
}

/// Bytes of any kind between the lines: bounded, counted, and the lines around them are read.
#[test]
fn binary_in_the_middle_of_a_console() {
    let mut text = b"[1D44:0658-0C6C] 01/31/2026 01:52:26   Router: x\n".to_vec();
    text.extend((0..5_000_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8));
    text.extend_from_slice(b"\n[1D44:0658-0C6C] 01/31/2026 01:52:27   Router: y\n");
    let mut transcriber =
        recognise(b"[1D44:0658-0C6C] 01/31/2026 01:52:26   Router: x\n", &settings("")).expect("a console");
    let mut out = Vec::new();
    text.chunks(65_536).for_each(|piece| transcriber.bytes(piece, &mut out));
    transcriber.finish(&mut out);
    let out = String::from_utf8(out).expect("UTF-8");
    assert!(out.lines().next_back().is_some_and(|line| line.ends_with("Router: y")));
    assert!(out.lines().all(|line| line.starts_with("2026-01-31T01:52:2")));
}

/// Without a single sign of the order, memory has a bound: then it is assumed.
#[test]
fn a_large_file_of_one_day_takes_bounded_memory() {
    let line = b"[1D44:0658-0C6C] 05/06/2014 10:00:00   Router: Delivery thread 000A: searching for work, which is a line of a usual length\n";
    let growing = Settings { is_growing: true, ..settings("") };
    let mut transcriber = recognise(line, &growing).expect("a console");
    let (mut out, mut first_out) = (Vec::new(), 0);
    for count in 0..300_000 {
        transcriber.bytes(line, &mut out);
        if first_out == 0 && !out.is_empty() {
            first_out = count * line.len();
        }
    }
    assert!((15_000_000..18_000_000).contains(&first_out), "{first_out}");
    transcriber.finish(&mut out);
    assert_eq!(out.iter().filter(|&&byte| byte == b'\n').count(), 300_000);
}

const RECORD: &str = "Record #: 7, Name: Domino.MAIL, DescIdx: 3, Timestamp: 03/26/2026 10:15:00 AM\n{\n\tServerName: CN=Hub1/O=Acme\n\
                      \tMessageId: <a@x>\n\tEventType: 2\n\tErrorMsg: two\nlines\n\tRecipients:\n\t\t{\n\t\tCN=Jane Doe/O=Acme\n\t\tb@x\n\t\t}\n\
                      \tEmpty:\ntype not implemented: Foo\n\tSize: 812\n}\n";
const WRITTEN: &str = "domino-activity: Name=Domino.MAIL\tServerName=CN=Hub1/O=Acme\tMessageId=<a@x>\tEventType=2\tErrorMsg=two lines\t\
                       Recipients=CN=Jane Doe/O=Acme;b@x\tSize=812";

#[test]
fn an_activity_record_becomes_a_line() {
    let (lines, said) = transcribed(RECORD.as_bytes(), &settings(""));
    assert_eq!(lines, [format!("2026-03-26T10:15:00 hub1 {WRITTEN}")]);
    assert!(
        said.contains("dates are month first: 03/26/2026 in line 1") && said.contains("1 activity records were read"),
        "{said}"
    );
    // Nobody named the host: the record does.
    let (lines, _) = transcribed(RECORD.as_bytes(), &Settings::default());
    assert_eq!(lines, [format!("2026-03-26T10:15:00 Hub1 {WRITTEN}")]);
}

#[test]
fn records_that_are_not_whole_are_counted_and_left_out() {
    let open = RECORD.trim_end_matches("}\n");
    let (lines, said) = transcribed(format!("{open}{RECORD}stray\n{open}").as_bytes(), &settings(""));
    assert_eq!(lines.len(), 1);
    assert!(
        said.contains("2 records are not closed: they were left out")
            && said.contains("1 lines stand outside of records"),
        "{said}"
    );
    let timeless = RECORD.replace("03/26/2026 10:15:00 AM", "yesterday");
    let (lines, said) = transcribed(format!("{RECORD}{timeless}").as_bytes(), &settings(""));
    assert_eq!(lines.len(), 1);
    assert!(said.contains("1 records have no time that can be read"), "{said}");
}

#[test]
fn a_record_that_never_ends_takes_bounded_memory() {
    let entry = format!("\t\tCN={}/O=Acme\n", "x".repeat(1000));
    let head = RECORD.split("\t\tCN=Jane").next().expect("a beginning");
    let mut text = RECORD.to_owned() + head;
    (0..3000).for_each(|_| text.push_str(&entry));
    let (lines, said) = transcribed((text + "\t\t}\n}\n" + RECORD).as_bytes(), &settings(""));
    assert_eq!(lines.len(), 2);
    assert!(said.contains("1 records are too large: they were left out"), "{said}");
}

const EVENT: &str = r#"{"time_unix_nano":"1785760554890000000","severity_text":"ERROR","body":"Database compactor error: File does not exist","scope":{"name":"domino.event"},"resource":{"service.name":"domino","service.instance.id":"CN=makemake/O=NotesLab","host.name":"t14.example.com","process.pid":33708,"domino.process.pidtid":"83AC:0002-796C"},"attributes":{"domino.event.type":"Resource"}}"#;
const EVENT_LINE: &str = "2026-08-03T12:35:54.890000Z t14.example.com domino: [83AC:0002-796C] Database compactor error: File does not exist";

#[test]
fn events_as_they_are_and_wrapped() {
    let quoted = serde_json::to_string(&format!("{EVENT}\n")).expect("a text");
    for text in [
        EVENT.to_owned(),
        format!("{{\"log\":{quoted},\"stream\":\"stdout\"}}"),
        format!("{{\"MESSAGE\":{quoted},\"_HOSTNAME\":\"collector\"}}"),
        format!("{{\"@timestamp\":\"x\",\"event\":{EVENT}}}"),
        format!("{{\"message\":{{\"body\":{quoted}}}}}"),
    ] {
        assert_eq!(transcribed(text.as_bytes(), &settings("")).0, [EVENT_LINE], "{text}");
    }
}

#[test]
fn events_of_others_and_damaged_ones_are_counted() {
    let foreign = r#"{"body":"GET /index.html 200","scope":{"name":"nginx"},"resource":{"service.name":"nginx"}}"#;
    let timeless = EVENT.replace("time_unix_nano", "other");
    let late = EVENT.replace("1785760554890000000", "9e99");
    let deep = "[".repeat(100_000);
    let text = [EVENT, foreign, "{\"body\":", &timeless, &late, &deep].join("\n");
    let (lines, said) = transcribed(text.as_bytes(), &settings(""));
    assert_eq!(lines, [EVENT_LINE]);
    for part in ["1 events of", "1 records are of other programs", "2 lines are no JSON", "2 events have no time"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

const STATISTICS: &str = "# HELP Domino_Mail_Delivered Domino Statistic Mail.Delivered\n# TYPE Domino_Mail_Delivered gauge\n\
                          Domino_Mail_Delivered 123.000\nDomino_Server_Users 7\nDomino_Replica_Docs_Added 9\nDominoHealth_mail_pending_age_ge_60m 0\n\
                          DominoHealth_disk_free_bytes{component=\"nd\", path=\"/local/a b\"} 5\n";

#[test]
fn statistics_of_mail_and_replication_become_one_line() {
    let (lines, said) = transcribed(STATISTICS.as_bytes(), &settings("2026-03-26T10:00:00Z"));
    assert_eq!(
        lines,
        [
            "2026-03-26T10:00:00Z hub1 domino-counters: Domino_Mail_Delivered=123.000\tDomino_Replica_Docs_Added=9\tDominoHealth_mail_pending_age_ge_60m=0"
        ]
    );
    assert_eq!(said, "3 statistics of mail and replication were read; 2 others were left out");
}

#[test]
fn statistics_without_any_time_are_left_out() {
    let (lines, said) = transcribed(STATISTICS.as_bytes(), &settings(""));
    assert_eq!(lines, Vec::<String>::new());
    assert!(said.contains("nothing says when the statistics were written"), "{said}");
    // A sample's own time counts, and before the file's.
    let own = STATISTICS.replace("123.000", "123.000 1774519200000");
    assert!(transcribed(own.as_bytes(), &settings("2026-04-01T00:00:00Z")).0[0].starts_with("2026-03-26T10:00:00Z "));
}

/// A counter that is smaller than before began anew; one that is not there is not zero; texts and times are none.
#[test]
fn counters_begin_anew_and_texts_are_absent() {
    use vigie_formats::domino::counters::{growth, number, sample};
    assert_eq!([growth(10.0, 14.0), growth(10.0, 3.0), growth(3.0, 3.0)], [4.0, 3.0, 0.0]);
    assert_eq!(
        sample(b"Domino_Mail_Delivered 123.000").map(|sample| (sample.name, number(sample.value))),
        Some((&b"Domino_Mail_Delivered"[..], Some(123.0)))
    );
    for none in [
        "# TYPE Domino_Mail_Dead gauge",
        "Domino_Server_Name Hub1/Acme",
        "Domino_Mail_Dead",
        "Domino_Mail_Dead NaN",
        "Domino_Mail_Dead 1 2 3",
        "",
        "9x 1",
        "Domino_Time 03/26/2026",
    ] {
        assert_eq!(sample(none.as_bytes()), None, "{none}");
    }
}
