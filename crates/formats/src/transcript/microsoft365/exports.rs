//! Exports in all their forms, whole and damaged.

use crate::transcript::{DateOrder, HEAD_BYTES, Settings, recognise};

const ID: &str = "5ecb6b5a-0d0e-4b0f-9f3c-08de2a1b3c4d";

fn told(text: &[u8], settings: &Settings, piece: usize) -> (String, Vec<String>) {
    let head = &text[..text.len().min(HEAD_BYTES)];
    let mut transcriber = recognise(head, settings).unwrap_or_else(|| panic!("a message trace"));
    let mut out = Vec::new();
    text.chunks(piece).for_each(|bytes| transcriber.bytes(bytes, &mut out));
    transcriber.finish(&mut out);
    (String::from_utf8_lossy(&out).into_owned(), transcriber.remarks())
}

/// Lines and remarks, which are the same in any pieces.
fn read_with(text: &[u8], settings: &Settings) -> (Vec<String>, Vec<String>) {
    let whole = told(text, settings, usize::MAX);
    for piece in [1, 2, 7, 100] {
        assert_eq!(told(text, settings, piece), whole, "in pieces of {piece}");
    }
    (whole.0.lines().map(str::to_owned).collect(), whole.1)
}

fn read(text: &str) -> (Vec<String>, Vec<String>) {
    read_with(text.as_bytes(), &Settings::default())
}

fn utf16(text: &str) -> Vec<u8> {
    "\u{FEFF}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

#[test]
fn a_page_of_graph() {
    let text = format!(
        r#"{{"@odata.context": "x", "@odata.nextLink": "https://…", "value": [
            {{"id": "{ID}", "senderAddress": "ann@example.com", "recipientAddress": "bob@example.net", "messageId": "<a@b>",
             "receivedDateTime": "2026-03-02T10:00:00.1234567Z", "subject": "brackets }}]\" and \u00e9\nmore", "size": 12, "fromIP": null, "toIP": "203.0.113.9", "status": "pending"}},
            {{"id": "{ID}", "senderAddress": "ann@example.com", "recipientAddress": "eve@example.net", "receivedDateTime": "2026-03-02T10:00:00Z", "status": "delivered", "details": [{{"id": "not a row"}}]}}
        ]}}"#
    );
    let (lines, remarks) = read(&text);
    assert_eq!(
        lines,
        [
            format!(
                "2026-03-02T10:00:00.123456Z microsoft365 microsoft365: id={ID}\tmessageId=<a@b>\tsenderAddress=ann@example.com\trecipientAddress=bob@example.net\tsubject=brackets }}]\" and é more\tsize=12\tstatus=pending\tfromIP=-\ttoIP=203.0.113.9"
            ),
            format!(
                "2026-03-02T10:00:00Z microsoft365 microsoft365: id={ID}\tsenderAddress=ann@example.com\trecipientAddress=eve@example.net\tstatus=delivered"
            ),
        ]
    );
    assert_eq!(
        remarks,
        [
            "Message trace of Microsoft 365, 2 rows from 2026-03-02T10:00:00Z to 2026-03-02T10:00:00.123456Z.",
            "The answer names a next page: this file alone is not the whole trace."
        ]
    );
}

#[test]
fn a_row_on_each_line_with_one_of_them_cut_off() {
    let row = |recipient: &str| {
        format!(
            r#"{{"MessageTraceId":"{ID}","Received":"2026-03-02T10:00:00.1234567","SenderAddress":"a@b","RecipientAddress":"{recipient}","Status":"Delivered"}}"#
        )
    };
    for cut in [r#"{"MessageTraceId":"5ecb"#, r#"{"MessageTraceId":"5ecb","Size":1,"#, "{"] {
        let text = format!("{}\n{cut}\n{}\n{cut}", row("one@example.com"), row("two@example.com"));
        let (lines, remarks) = read(&text);
        assert_eq!(lines.len(), 2, "{cut}: {lines:#?}");
        assert!(
            remarks.contains(&"Rows that have a damaged or foreign form, and were left out: 2.".to_owned()),
            "{remarks:?}"
        );
    }
}

#[test]
fn an_answer_of_the_old_reporting_service() {
    let text = format!(
        r#"{{"d":{{"results":[{{"__metadata":{{"id":"https://x/MessageTrace(0)"}},"Received":"\/Date(1659020996164)\/","MessageTraceId":"{ID}","SenderAddress":"a@b","RecipientAddress":"c@d","Status":"GettingStatus","ToIP":null,"FromIP":"1.1.1.1","Size":33435}}],"__next":"https://x"}}}}"#
    );
    let (lines, remarks) = read(&text);
    assert_eq!(lines.len(), 1);
    assert!(
        lines[0].starts_with(&format!("2022-07-28T15:09:56.164000Z microsoft365 microsoft365: id={ID}\t")),
        "{lines:?}"
    );
    assert!(lines[0].ends_with("\tstatus=gettingStatus\tfromIP=1.1.1.1\ttoIP=-"), "{lines:?}");
    assert!(remarks.iter().any(|remark| remark.contains("next page")));
}

#[test]
fn an_object_has_a_bound() {
    let row = |filler: &str| {
        format!(
            r#"{{"MessageTraceId":"{ID}","Received":"2026-03-02T10:00:00","SenderAddress":"a@b","RecipientAddress":"c@d","Status":"Delivered","Subject":"{filler}"}}"#
        )
    };
    let text = format!("[{},{},{}]", row("small"), row(&"x".repeat(2 << 20)), row("small too"));
    let (out, remarks) = told(text.as_bytes(), &Settings::default(), 4096);
    assert_eq!(out.lines().count(), 2);
    assert!(remarks.contains(&"Rows that have more than a megabyte, and were left out: 1.".to_owned()), "{remarks:?}");
    // Brackets without end are no row, and take no memory.
    let deep = format!("{}{}", row("x"), "[{\"a\":".repeat(100_000));
    assert_eq!(told(deep.as_bytes(), &Settings::default(), 4096).0.lines().count(), 1);
}

fn export(dates: &[&str]) -> String {
    let rows = dates.iter().map(|date| format!("\"{ID}\",\"{date}\",\"a@b\",\"c@d\",\"Delivered\",\"x; y\"\r\n"));
    format!(
        "\"MessageTraceId\",\"Received\",\"SenderAddress\",\"RecipientAddress\",\"Status\",\"Subject\"\r\n{}",
        rows.collect::<String>()
    )
}

fn days(text: &str, settings: &Settings) -> (Vec<String>, bool) {
    let (lines, remarks) = read_with(text.as_bytes(), settings);
    let guessed = remarks.iter().any(|remark| remark.starts_with("No date tells"));
    (lines.iter().map(|line| line[..10].to_owned()).collect(), guessed)
}

/// The order of day and month is found out from the first date that has but one reading, and rows before it wait for that.
#[test]
fn dates_as_the_exporting_machine_writes_them() {
    let settings = Settings::default();
    let text = export(&["3/2/2026 1:00:00 PM", "3/3/2026 1:00:00 AM", "3/31/2026 1:00:00 AM"]);
    assert_eq!(
        days(&text, &settings),
        (vec!["2026-03-02".to_owned(), "2026-03-03".to_owned(), "2026-03-31".to_owned()], false)
    );
    let text = export(&["02/03/2026 13:00:00", "31/03/2026 13:00:00"]);
    assert_eq!(days(&text, &settings), (vec!["2026-03-02".to_owned(), "2026-03-31".to_owned()], false));
    let text = export(&["02.03.2026 13:00:00"]);
    assert_eq!(days(&text, &settings), (vec!["2026-03-02".to_owned()], false));
    // Nothing tells: a guess, and it is said.
    let text = export(&["3/2/2026 1:00:00 PM", "4/2/2026 1:00:00 PM"]);
    assert_eq!(days(&text, &settings), (vec!["2026-03-02".to_owned(), "2026-04-02".to_owned()], true));
    let text = export(&["02/03/2026 13:00:00"]);
    assert_eq!(days(&text, &settings), (vec!["2026-03-02".to_owned()], true));
    // The user knows.
    let known = Settings { dates: Some(DateOrder::MonthFirst), ..Settings::default() };
    assert_eq!(days(&text, &known), (vec!["2026-02-03".to_owned()], false));
    // No row is younger than its file.
    let old = Settings { modified: 1_770_800_000_000_000, ..Settings::default() };
    assert_eq!(days(&text, &old), (vec!["2026-02-03".to_owned()], false));
}

#[test]
fn a_historical_searchs_summary_in_utf_16() {
    let text = format!(
        "origin_timestamp_utc,sender_address,recipient_status,message_subject,total_bytes,message_id,network_message_id,original_client_ip,directionality,connector_id,delivery_priority\r\n\
         2026-03-02T10:00:00.1234567Z,a@b,\"c@d##Receive, Deliver;e@f##Receive, Fail;g@h##Receive, Send;list@d##Receive, Expand;i@j##Receive\",\"S##x, y\",12,<m@b>,{},1.1.1.1,1,,Normal\r\n",
        ID.replace('-', "")
    );
    let (lines, _) = read_with(&utf16(&text), &Settings::default());
    let states: Vec<&str> =
        lines.iter().filter_map(|line| line.split_once("recipientAddress=").map(|(_, rest)| rest)).collect();
    let rest = "size=12\tstatus";
    assert_eq!(
        states,
        [
            format!("c@d\tsubject=S##x, y\t{rest}=delivered\tfromIP=1.1.1.1\tdirectionality=incoming"),
            format!("e@f\tsubject=S##x, y\t{rest}=failed\tfromIP=1.1.1.1\tdirectionality=incoming"),
            format!("g@h\tsubject=S##x, y\t{rest}=delivered\tfromIP=1.1.1.1\tdirectionality=incoming"),
            format!("list@d\tsubject=S##x, y\t{rest}=expanded\tfromIP=1.1.1.1\tdirectionality=incoming"),
            format!("i@j\tsubject=S##x, y\t{rest}=gettingStatus\tfromIP=1.1.1.1\tdirectionality=incoming"),
        ]
    );
    assert!(lines.iter().all(|line| line.contains(&format!(" id={ID}\t"))));
}

#[test]
fn damaged_rows_of_an_export_are_counted() {
    let good = export(&["2026-03-02T10:00:00"]);
    let text = format!(
        "{good}\"{ID}\",\"2026-03-02\r\n{ID},soon,a@b,c@d,Delivered,x\r\n{ID},2026-03-02T10:00:00,a@b,c@d,Delivered,x,too many\r\n,2026-03-02T10:00:00,a@b,c@d,Delivered,no id\r\n{}",
        "line\r\n".repeat(200)
    );
    let (lines, remarks) = read(&text);
    assert!(lines.len() == 1 && remarks.len() > 1, "{lines:#?} {remarks:#?}");
    let quoteless = text.replace("\"2026-03-02\r\n", "2026-03-02\r\n");
    let (_, remarks) = read(&quoteless);
    for kind in ["no time that can be read", "no trace id or no recipient", "fewer columns", "more columns"] {
        assert!(remarks.iter().any(|remark| remark.contains(kind)), "{kind}: {remarks:#?}");
    }
}

#[test]
fn exports_that_were_put_together_have_their_header_several_times() {
    let one = export(&["2026-03-02T10:00:00"]);
    let (lines, remarks) = read(&format!("#TYPE Deserialized.Microsoft.Exchange\r\n{one}{one}"));
    assert_eq!((lines.len(), remarks.len()), (2, 1), "{remarks:#?}");
}

#[test]
fn other_files_are_not_taken() {
    for text in [
        "{\"MESSAGE\":\"connect from x\",\"_HOSTNAME\":\"mx1\"}\n",
        "[]",
        "{}",
        "id,name\r\n1,x\r\n",
        "Date,Sender,Recipient,Subject\r\n",
        "2026-03-02T10:00:00+00:00 hub1 postfix/smtpd[1]: connect from x\n",
    ] {
        assert!(recognise(text.as_bytes(), &Settings::default()).is_none(), "{text:?}");
        assert!(recognise(&utf16(text), &Settings::default()).is_none(), "{text:?}");
    }
}
