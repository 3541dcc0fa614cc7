//! Files, whole and damaged. Rows are written in the syntax that Microsoft's "Message tracking" describes.

use super::*;
use crate::transcript::recognise;

const HEADER: &str = "#Software: Microsoft Exchange Server\r\n#Version: 15.02.1748.010\r\n#Log-type: Message Tracking Log\r\n#Date: 2026-03-02T10:00:00.000Z\r\n";
const FIELDS_2010: &str = "#Fields: date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,connector-id,source,event-id,internal-message-id,message-id,recipient-address,recipient-status,total-bytes,recipient-count,related-recipient-address,reference,message-subject,sender-address,return-path,message-info,directionality,tenant-id,original-client-ip,original-server-ip,custom-data\r\n";
const SMALL: &str =
    "#Fields: date-time,client-hostname,server-hostname,source,event-id,internal-message-id,message-subject,log-id\r\n";

fn told(text: &[u8], host: &str, piece: usize) -> (String, Vec<String>) {
    let settings = Settings { host: host.to_owned(), ..Settings::default() };
    let head = &text[..text.len().min(HEAD_BYTES)];
    let mut transcriber = recognise(head, &settings).expect("a tracking log");
    let mut out = Vec::new();
    text.chunks(piece).for_each(|bytes| transcriber.bytes(bytes, &mut out));
    transcriber.finish(&mut out);
    (String::from_utf8_lossy(&out).into_owned(), transcriber.remarks())
}

/// The lines, which are the same in any pieces.
fn lines(text: &str, host: &str) -> Vec<String> {
    let (whole, _) = told(text.as_bytes(), host, usize::MAX);
    for piece in [1, 2, 7, 100] {
        assert_eq!(told(text.as_bytes(), host, piece).0, whole, "in pieces of {piece}");
    }
    whole.lines().map(str::to_owned).collect()
}

fn remarks(text: &str) -> Vec<String> {
    told(text.as_bytes(), "given", usize::MAX).1
}

#[test]
fn a_row_becomes_a_line_of_its_columns() {
    let row = r#"2026-03-02T10:00:00.123Z,out.example.net,EX01.example.com,SMTP,RECEIVE,29519319995411,"Say ""hi"", you; all",id-1"#;
    assert_eq!(
        lines(&format!("\u{FEFF}{HEADER}{SMALL}{row}\r\n"), ""),
        [
            "2026-03-02T10:00:00.123Z ex01 exchange: client-hostname=out.example.net\tserver-hostname=EX01.example.com\tsource=SMTP\tevent-id=RECEIVE\tinternal-message-id=29519319995411\tmessage-subject=Say \"hi\", you; all\tlog-id=id-1"
        ]
    );
}

#[test]
fn a_header_may_change_in_the_middle_of_a_file() {
    let old = "2026-03-02T10:00:00.123Z,,ex01,SMTP,RECEIVE,1,old,x\r\n";
    let new = "#Version: 16\r\n#Fields: date-time,event-id,source,internal-message-id,server-hostname,more\r\n2026-03-02T10:00:01.000Z,RECEIVE,SMTP,2,EX01,new\r\n";
    let found = lines(&format!("{HEADER}{SMALL}{old}{HEADER}{SMALL}{old}{new}"), "");
    assert_eq!(found.len(), 3);
    assert_eq!(
        found[2],
        "2026-03-02T10:00:01.000Z ex01 exchange: event-id=RECEIVE\tsource=SMTP\tinternal-message-id=2\tserver-hostname=EX01\tmore=new"
    );
}

/// No row before the third says who wrote it: those are held back, and then told in order.
#[test]
fn the_server_is_told_by_the_first_row_that_names_it() {
    let rows = "2026-03-02T10:00:00.001Z,,,DSN,DSN,1,,a\r\n\
                2026-03-02T10:00:00.002Z,192.0.2.1,elsewhere.example.net,ROUTING,EXPAND,1,,b\r\n\
                2026-03-02T10:00:00.003Z,EX01,mx.example.net,SMTP,SEND,1,,c\r\n\
                2026-03-02T10:00:00.004Z,ex02.example.com,ex09,SMTP,RECEIVE,1,,d\r\n";
    let found = lines(&format!("{HEADER}{SMALL}{rows}"), "given.example.com");
    assert!(found.iter().all(|line| line.contains(" ex01 exchange: ")), "{found:#?}");
    assert_eq!(found.len(), 4);
    let nameless = &rows[..rows.find("2026-03-02T10:00:00.003Z").expect("the third row")];
    let found = lines(&format!("{HEADER}{SMALL}{nameless}"), "Given.example.com");
    assert!(found.iter().all(|line| line.contains(" given exchange: ")), "{found:#?}");
}

#[test]
fn rows_that_never_name_a_server_are_not_held_back_for_ever() {
    let row = "2026-03-02T10:00:00.001Z,,,ROUTING,EXPAND,1,a subject of some length to fill the file with,a\r\n";
    let text = format!("{HEADER}{SMALL}{}", row.repeat(2 * HEAD_BYTES / row.len()));
    let settings = Settings { host: "given".to_owned(), ..Settings::default() };
    let mut transcriber = recognise(text.as_bytes(), &settings).expect("a tracking log");
    let mut out = Vec::new();
    transcriber.bytes(text.as_bytes(), &mut out);
    assert!(out.len() > HEAD_BYTES && out.starts_with(b"2026-03-02T10:00:00.001Z given exchange: "));
}

#[test]
fn rows_cut_off_or_with_too_many_columns_are_counted_and_not_told() {
    let text = format!(
        "{HEADER}{SMALL}2026-03-02T10:00:00.001Z,,ex01,SMTP,RECEIVE,1,whole,x\r\n\
         2026-03-02T10:00:00.002Z,,ex01,SM\r\n\
         2026-03-02T10:00:00.003Z,,ex01,SMTP,RECEIVE,1,a subject, unquoted,x\r\n\
         yesterday,,ex01,SMTP,RECEIVE,1,,x\r\n\
         \0\0\0\0\0\0\r\n\
         2026-03-02T10:00:00.004Z,,ex01,SMTP,RECE"
    );
    assert_eq!(lines(&text, "").len(), 1);
    assert_eq!(
        remarks(&text),
        [
            "Message tracking log of ex01, from 2026-03-02T10:00:00.001Z to 2026-03-02T10:00:00.001Z.",
            "Rows that have fewer columns than the header names (cut off?), and were left out: 2.",
            "Rows that have more columns than the header names, and were left out: 1.",
            "Rows that have no time in `date-time`, and were left out: 1."
        ]
    );
}

#[test]
fn a_quote_that_is_never_closed_takes_no_row_but_its_own() {
    let rows = "2026-03-02T10:00:00.001Z,,ex01,SMTP,RECEIVE,1,\"never closed,x\r\n\
                2026-03-02T10:00:00.002Z,,ex01,SMTP,RECEIVE,2,\"closed\r\n in the next line\",x\r\n\
                2026-03-02T10:00:00.003Z,,ex01,SMTP,RECEIVE,3,\"the last";
    let text = format!("{HEADER}{SMALL}{rows}");
    let found = lines(&text, "");
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains("internal-message-id=2\tmessage-subject=closed  in the next line"), "{found:#?}");
    assert!(remarks(&text).contains(&"Rows that have a quote that is never closed, and were left out: 2.".to_owned()));
}

#[test]
fn a_header_alone_is_a_log_without_rows() {
    let text = format!("{HEADER}{FIELDS_2010}");
    assert_eq!(lines(&text, "ex01"), [""; 0]);
    assert_eq!(remarks(&text), ["A message tracking log without any row."]);
}

/// Cut off from its header: only the newer forms, of 27 and 30 columns, can be told.
#[test]
fn rows_without_a_header() {
    let row = "2026-03-02T10:00:00.123Z,,,,ex01,No suitable shadow servers,,SMTP,HAREDIRECTFAIL,70971234566456,<a@example.com>,2fd37dca-1234-5bfb-175d-08dc1db88f52,b@example.com,,15054,1,,,Subject,c@example.com,d@example.com,,Incoming,,,,S:DeliveryPriority=Normal";
    for tail in ["", ",Email,dc69df25,15.02.0330.005"] {
        let found = lines(&format!("{row}{tail}\r\n"), "");
        assert!(found[0].starts_with("2026-03-02T10:00:00.123Z ex01 exchange: server-hostname=ex01\t"), "{found:?}");
        assert!(
            found[0].contains(
                "\tnetwork-message-id=2fd37dca-1234-5bfb-175d-08dc1db88f52\trecipient-address=b@example.com\t"
            )
        );
    }
}

#[test]
fn other_files_are_not_taken() {
    for text in [
        "",
        "\r\n",
        "2026-03-02T10:00:00.123Z ex01 postfix/smtpd[1]: connect from x",
        "2026-03-02T10:00:00.123Z,a,b,c",
        "#Software: Microsoft Exchange Server\r\n#Log-type: SMTP Receive Protocol Log\r\n#Fields: date-time,connector-id,session-id,data\r\n",
        "#Software: Microsoft Internet Information Services\r\n#Fields: date time cs-method\r\n",
        "\0\u{1}\u{2}\u{3}\n\u{4}",
    ] {
        assert!(recognise(text.as_bytes(), &Settings::default()).is_none(), "{text:?}");
    }
}

/// After a header of another log in the same file, rows are that log's.
#[test]
fn rows_under_another_logs_header_are_not_read() {
    let row = "2026-03-02T10:00:00.001Z,,ex01,SMTP,RECEIVE,1,whole,x\r\n";
    let text = format!("{HEADER}{SMALL}{row}#Log-type: SMTP Receive Protocol Log\r\n#Fields: date-time,data\r\n{row}");
    assert_eq!(lines(&text, "").len(), 1);
    assert!(remarks(&text).contains(&"Rows that have no header before them, and were left out: 1.".to_owned()));
}

#[test]
fn a_row_with_more_recipients_than_a_line_holds_becomes_several_lines() {
    let addresses: Vec<String> = (0..5000).map(|number| format!("member{number:05}@example.com")).collect();
    let statuses = vec!["250 2.1.5 Recipient OK"; addresses.len()].join(";");
    let fields =
        "#Fields: date-time,client-hostname,source,event-id,internal-message-id,recipient-address,recipient-status\r\n";
    let text =
        format!("{HEADER}{fields}2026-03-02T10:00:00.001Z,ex01,SMTP,SEND,1,{},{statuses}\r\n", addresses.join(";"));
    let found = lines(&text, "");
    assert!(found.len() > 3 && found.iter().all(|line| line.len() < 64 * 1024));
    let named = |column: &str| -> Vec<String> {
        let of = |line: &String| {
            let (_, rest) = line.split_once(column).expect("the column");
            rest.split('\t').next().unwrap_or_default().split(';').map(str::to_owned).collect::<Vec<_>>()
        };
        found.iter().flat_map(of).collect()
    };
    assert_eq!(named("recipient-address="), addresses);
    assert_eq!(named("recipient-status=").len(), addresses.len());
    assert!(found.iter().all(|line| line.contains("\tinternal-message-id=1\t")));
}
