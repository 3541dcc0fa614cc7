//! Microsoft 365's message trace. Trap 29; and rows that are asked for again.

use vigie_formats::transcript::{Settings, recognise};
use vigie_model::Outcome;
use vigie_testkit::{Story, corpus::transcribed, log, story};

const ID: &str = "5ecb6b5a-0d0e-4b0f-9f3c-08de2a1b3c4d";

/// Rows of one message, as an answer of Graph: recipient and status.
fn answer(rows: &[(&str, &str)]) -> String {
    let row = |(recipient, status): &(&str, &str)| {
        format!(
            r#"{{"id":"{ID}","senderAddress":"ann@example.net","recipientAddress":"{recipient}","messageId":"<a@b>","receivedDateTime":"2026-03-02T10:00:00Z","fromIP":"198.51.100.7","toIP":null,"status":"{status}"}}"#
        )
    };
    format!("{{\"value\":[{}]}}", rows.iter().map(row).collect::<Vec<_>>().join(","))
}

fn read(answers: &[String]) -> Story {
    let logs = answers
        .iter()
        .map(|text| ("microsoft365", String::from_utf8(transcribed(text.clone().into_bytes())).expect("text")));
    let story = story(&logs.collect::<Vec<_>>());
    assert_eq!(story.unknown, Vec::<String>::new());
    story
}

/// Trap 29: a group is no recipient; its members are.
#[test]
fn a_group_that_was_expanded_is_no_delivery() {
    let story = read(&[answer(&[
        ("team@example.com", "expanded"),
        ("bob@example.com", "delivered"),
        ("eve@example.com", "delivered"),
    ])]);
    assert_eq!(
        story.told(),
        [
            "mail <ann@example.net> microsoft365:5ecb6b5a0d0e4b0f9f3c08de2a1b3c4d | bob@example.com delivered; eve@example.com delivered; team@example.com forwarded"
        ]
    );
}

/// Trap 29: an export that ends where a page ends may be cut off, and the person is told.
#[test]
fn an_export_that_ends_where_a_page_ends_is_told_as_such() {
    let remarks = |rows: usize| {
        let text = answer(&vec![("bob@example.com", "delivered"); rows]);
        let mut transcriber = recognise(text.as_bytes(), &Settings::default()).expect("a message trace");
        transcriber.bytes(text.as_bytes(), &mut Vec::new());
        transcriber.finish(&mut Vec::new());
        transcriber.remarks()
    };
    let cut = "rows: it may have been cut off where a page ends.";
    assert!(remarks(5000).iter().any(|remark| remark.ends_with(cut)));
    assert!(!remarks(4999).iter().any(|remark| remark.ends_with(cut)));
}

/// A row that was asked for again has another status: the newer one counts, in whatever order they are read.
#[test]
fn of_two_states_the_later_one_counts() {
    for (first, then, outcome) in [
        ("gettingStatus", "delivered", Outcome::Delivered),
        ("pending", "failed", Outcome::Bounced),
        ("gettingStatus", "pending", Outcome::Deferred),
        ("quarantined", "delivered", Outcome::Delivered),
        ("filteredAsSpam", "delivered", Outcome::Delivered),
        ("pending", "expanded", Outcome::Forwarded),
    ] {
        let (first, then) = (answer(&[("bob@example.com", first)]), answer(&[("BOB@example.com", then)]));
        // Addresses may be written anew, too; then both rows stay where both are final.
        let (same_first, same_then) = (first.clone(), then.replace("BOB", "bob"));
        for answers in [[same_first.clone(), same_then.clone()], [same_then.clone(), same_first.clone()]] {
            let story = read(&answers);
            let outcomes: Vec<Outcome> = story.only().deliveries.iter().map(|delivery| delivery.outcome).collect();
            assert_eq!(outcomes, [outcome], "{answers:?}");
        }
        if first.contains("gettingStatus") || first.contains("pending") {
            assert_eq!(read(&[first, then]).only().deliveries.len(), 1);
        }
    }
}

/// A recipient may wait for more than a day, and others came in that time: it is the same message when its row changes.
#[test]
fn a_message_whose_last_recipient_waits_for_a_day_is_one() {
    let first = answer(&[("bob@example.com", "delivered"), ("eve@example.com", "pending")]);
    let others = (3..20).map(|hour| {
        let (day, hour) = if hour < 12 { (3, hour + 10) } else { (4, hour - 10) };
        let other = answer(&[("ann@example.com", "delivered")]).replace("5ecb6b5a", &format!("5ecb6b{hour:02}"));
        other.replace("2026-03-02T10:", &format!("2026-03-{day:02}T{hour:02}:"))
    });
    let then = answer(&[("eve@example.com", "delivered")]);
    let answers: Vec<String> = [first].into_iter().chain(others).chain([then]).collect();
    let told = read(&answers).told();
    let message = told.iter().find(|told| told.contains("5ecb6b5a0d0e4b0f9f3c08de2a1b3c4d"));
    let expected = "mail <ann@example.net> microsoft365:5ecb6b5a0d0e4b0f9f3c08de2a1b3c4d | bob@example.com delivered; eve@example.com delivered";
    assert_eq!(message.map(String::as_str), Some(expected));
}

/// Rows of one message may name several clients, all at one time: whichever is read first, the same one counts.
#[test]
fn of_several_clients_at_one_time_the_same_one_counts() {
    let row = |recipient: &str, from: &str| answer(&[(recipient, "delivered")]).replace("\"198.51.100.7\"", from);
    let rows = [
        row("bob@example.com", "null"),
        row("eve@example.com", "\"2001:db8::7\""),
        row("ann@example.com", "\"192.0.2.7\""),
    ];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let story = read(&order.map(|at| rows[at].clone()));
        assert_eq!(story.only().client_ip, "2001:db8::7", "{order:?}");
    }
}

/// A trace does not say when a mailbox got the message: nobody knows how long that took.
#[test]
fn how_long_a_delivery_took_is_not_known() {
    let story = read(&[answer(&[("bob@example.com", "delivered")])]);
    let delivery = &story.only().deliveries[0];
    assert_eq!((delivery.delivery_ms, delivery.attempts), (None, 0));
}

/// Postfix is answered with an id that the trace does not have: a guess by the message id, in both directions.
#[test]
fn postfix_before_and_behind_microsoft_365() {
    let postfix = |at: &str, client: &str, reply: &str| {
        let lines = format!(
            "2026-03-02T{at} smtpd 3A1B29E001: client={client}
             2026-03-02T{at} cleanup 3A1B29E001: message-id=<a@b>
             2026-03-02T{at} qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
             2026-03-02T{at} smtp 3A1B29E001: to=<bob@example.com>, relay=mx[198.51.100.9]:25, delay=1, delays=0/0/0/1, dsn=2.6.0, status=sent ({reply})
             2026-03-02T{at} qmgr 3A1B29E001: removed"
        );
        ("edge1", log("edge1", &lines))
    };
    let cloud = |answer: String| ("microsoft365", String::from_utf8(transcribed(answer.into_bytes())).expect("text"));
    let before = postfix(
        "10:00:00",
        "out.example.net[192.0.2.10]",
        "250 2.6.0 <a@b> [InternalId=5450313518243, Hostname=AM0.eurprd01.prod.outlook.com] Queued mail for delivery",
    );
    let delivered = answer(&[("bob@example.com", "delivered")]);
    assert_eq!(
        story(&[before, cloud(delivered.clone())]).told(),
        [
            "mail <ann@example.net> edge1:3A1B29E001 message id>microsoft365:5ecb6b5a0d0e4b0f9f3c08de2a1b3c4d | bob@example.com delivered"
        ]
    );
    let sent_on = delivered.replace("\"toIP\":null", "\"toIP\":\"192.0.2.1\"");
    let behind = postfix("10:00:02", "outbound.protection.outlook.com[198.51.100.8]", "250 2.0.0 Ok: queued as 9F");
    assert_eq!(
        story(&[cloud(sent_on), behind]).told(),
        [
            "mail <ann@example.net> microsoft365:5ecb6b5a0d0e4b0f9f3c08de2a1b3c4d message id>edge1:3A1B29E001 | bob@example.com delivered"
        ]
    );
}

/// A hybrid organisation: the server at home and Microsoft 365 have one name for the message.
#[test]
fn exchange_before_microsoft_365() {
    let home = format!(
        "#Log-type: Message Tracking Log\r\n#Fields: date-time,client-hostname,server-hostname,source-context,source,event-id,internal-message-id,message-id,network-message-id,recipient-address,return-path\r\n\
         2026-03-02T09:59:59.000Z,out,ex01,,SMTP,RECEIVE,1,<a@b>,{ID},bob@example.com,ann@example.net\r\n\
         2026-03-02T10:00:00.200Z,ex01,example.mail.protection.outlook.com,\";250 2.6.0 <a@b> [InternalId=5450313518243, Hostname=AM0.eurprd01.prod.outlook.com] Queued mail for delivery\",SMTP,SENDEXTERNAL,1,<a@b>,{ID},bob@example.com,ann@example.net\r\n"
    );
    let lines = |text: String| String::from_utf8(transcribed(text.into_bytes())).expect("text");
    let cloud = answer(&[("bob@example.com", "delivered")]);
    assert_eq!(
        story(&[("ex01", lines(home)), ("microsoft365", lines(cloud))]).told(),
        [
            "mail <ann@example.net> ex01:1 network message id>microsoft365:5ecb6b5a0d0e4b0f9f3c08de2a1b3c4d | bob@example.com delivered"
        ]
    );
}
