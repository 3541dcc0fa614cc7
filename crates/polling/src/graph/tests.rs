//! What Graph may answer.

use super::*;
use crate::plan::Kind;

/// As the reference shows it.
const PAGE: &str = r##"{
  "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#admin/exchange/tracing/messageTraces",
  "@odata.nextLink": "https://graph.microsoft.com/v1.0/admin/exchange/tracing/messageTraces?$skiptoken=abc",
  "value": [
    {
      "@odata.type": "#microsoft.graph.exchangeMessageTrace",
      "id": "4451a062-48cb-e80d-e8c0-196330437ae6",
      "senderAddress": "sender@contoso.com",
      "recipientAddress": "recipient@contoso.com",
      "messageId": "<d9683b4c-127b-413a-ae2e-fa7dfb32c69d@contoso.com>",
      "receivedDateTime": "2025-06-13T10:30:00Z",
      "subject": "Quarterly Report",
      "size": 45678,
      "fromIP": "192.168.1.100",
      "toIP": "",
      "status": "Delivered"
    }
  ]
}"##;

fn only(body: &str) -> GraphRow {
    let page = page(body.as_bytes()).expect("a page");
    assert_eq!(page.rows.len(), 1);
    page.rows.into_iter().next().expect("a row")
}

#[test]
fn a_page_is_read_as_the_reference_has_it() {
    let found = page(PAGE.as_bytes()).expect("a page");
    assert!(found.next.expect("a link").ends_with("$skiptoken=abc"));
    let only = only(PAGE);
    let row = only.row();
    assert_eq!((row.received, row.size), (1_749_810_600_000_000, Some(45678)));
    assert_eq!((row.id, row.status), (&b"4451a062-48cb-e80d-e8c0-196330437ae6"[..], &b"Delivered"[..]));
    assert_eq!((row.from_ip, row.to_ip), (Some(&b"192.168.1.100"[..]), Some(&b""[..])));
}

#[test]
fn what_a_row_does_not_say_stays_unsaid() {
    let only = only(
        r#"{"value":[{"receivedDateTime":"2025-06-13T10:30:00Z","toIP":null,"size":-1,"subject":{"a":[1]},"more":true}]}"#,
    );
    let row = only.row();
    assert_eq!(
        (row.id, row.subject, row.size, row.from_ip, row.to_ip),
        (&b""[..], &b""[..], None, None, Some(&b""[..]))
    );
}

#[test]
fn a_row_without_a_time_is_counted_and_the_others_are_kept() {
    let body = r#"{"value":[{"id":"a"},{"id":"b","receivedDateTime":null},{"id":"c","receivedDateTime":"yesterday"},
        {"id":"d","receivedDateTime":"2025-06-13T10:30:00Z"}]}"#;
    let page = page(body.as_bytes()).expect("a page");
    assert_eq!((page.rows.len(), page.unreadable, page.next), (1, 3, None));
}

#[test]
fn what_is_cut_off_anywhere_is_no_page() {
    for end in 0..PAGE.len() {
        assert_eq!(page(&PAGE.as_bytes()[..end]), None, "cut at {end}");
    }
}

#[test]
fn an_error_behind_the_first_rows_makes_it_no_page() {
    let body = r#"{"value":[{"id":"d","receivedDateTime":"2025-06-13T10:30:00Z"}],"error":{"code":"x","message":"y"}}"#;
    assert_eq!(page(body.as_bytes()), None);
    for none in ["", "null", "[]", "{}", r#"{"value":null}"#, r#"{"value":{}}"#, "<html>", r#"{"value":[1]}"#] {
        assert_eq!(page(none.as_bytes()), None, "{none}");
    }
    assert_eq!(page(br#"{"value":[]}"#), Some(Page::default()));
    assert!(
        page(format!("{}1{}", r#"{"value":[],"x":"#.to_owned() + &"[".repeat(100_000), "]".repeat(100_000)).as_bytes())
            .is_none()
    );
}

#[test]
fn a_problem_is_told_in_its_own_words_on_one_line() {
    let body = br#"{"error":{"code":"InvalidAuthenticationToken","message":"Lifetime validation failed.\r\nTrace ID: x","innerError":{"request-id":"y"}}}"#;
    assert_eq!(problem(body).to_string(), "InvalidAuthenticationToken: Lifetime validation failed.");
    assert_eq!(problem(b"<html>").to_string(), "without a reason");
    assert_eq!(plain("a\x1B[31mb"), "a [31mb");
    assert_eq!(plain(&"é".repeat(1000)).len(), SAID_BYTES_MAX);
}

#[test]
fn a_request_names_both_ends_of_its_time() {
    let window = Window { kind: Kind::Sweep, start: 1_795_321_949, end: 1_795_408_349 };
    assert_eq!(
        first_page(window, 5000),
        "/v1.0/admin/exchange/tracing/messageTraces?$filter=receivedDateTime%20ge%202026-11-22T04%3A32%3A29Z%20and%20\
         receivedDateTime%20le%202026-11-23T04%3A32%3A29Z&$top=5000"
    );
    assert_eq!(escaped("/a?b=%20c d\"é#"), "/a?b=%20c%20d%22%C3%A9%23");
}
