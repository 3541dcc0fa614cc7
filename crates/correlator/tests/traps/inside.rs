//! What is inside a message, told by the milter while it came: it belongs to the hop of its queue id, wherever its line stands.

use vigie_testkit::{log, story};

const TOLD: &str = r#"10:00:00.25 !vigie-milter {"v":1,"queue_id":"3A1B29E001","message_id":"<one@example.net>","subject":"Minutes","from":"ann@example.net","type":"multipart/mixed","attachments":[{"name":"a.pdf","type":"application/pdf","size":9009}]}"#;

/// The milter's line stands among these lines of Postfix, or before or behind all of them.
fn told_at(place: usize) -> vigie_testkit::Story {
    let mut lines = vec![
        "10:00:00.1 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]",
        "10:00:00.2 cleanup 3A1B29E001: message-id=<one@example.net>",
        "10:00:00.3 qmgr 3A1B29E001: from=<ann@example.net>, size=12000, nrcpt=1 (queue active)",
        "10:00:00.4 virtual 3A1B29E001: to=<bob@example.com>, relay=virtual, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)",
        "10:00:00.4 qmgr 3A1B29E001: removed",
    ];
    lines.insert(place, TOLD);
    story(&[("hub1", log("hub1", &lines.join("\n")))])
}

#[test]
fn what_the_milter_tells_is_of_the_message_wherever_its_line_stands() {
    for place in 0..=5 {
        let story = told_at(place);
        assert_eq!(story.told(), ["mail <ann@example.net> hub1:3A1B29E001 | bob@example.com delivered"], "{place}");
        let [hop] = &story.hops[..] else { panic!("{place}: {:?}", story.hops) };
        assert_eq!((&*hop.subject, hop.closed), ("Minutes", true), "{place}");
        let content = hop.content.as_deref().expect("its content");
        assert_eq!((&*content.media_type, &*content.attachments[0].name), ("multipart/mixed", "a.pdf"), "{place}");
        assert_eq!(story.unknown, Vec::<String>::new());
    }
}

/// Postfix's own log file, and syslog by RFC 3164: by such a log the message ended before the milter saw it. Captured: across/run1.
#[test]
fn the_log_has_whole_seconds_and_the_milter_has_not() {
    for place in 0..=5 {
        let mut lines = vec![
            "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]",
            "10:00:00 cleanup 3A1B29E001: message-id=<one@example.net>",
            "10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=12000, nrcpt=1 (queue active)",
            "10:00:00 virtual 3A1B29E001: to=<bob@example.com>, relay=virtual, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)",
            "10:00:00 qmgr 3A1B29E001: removed",
        ];
        lines.insert(place, TOLD);
        let story = story(&[("hub1", log("hub1", &lines.join("\n")))]);
        let [hop] = &story.hops[..] else { panic!("{place}: {:?}", story.hops) };
        assert!(hop.content.is_some() && hop.closed, "{place}: {hop:?}");
    }
}

/// The same, and a second later the id is given again: to a message that the milter was not shown.
#[test]
fn within_whole_seconds_an_id_that_is_used_again_keeps_what_is_its_own() {
    let one = [
        "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]",
        "10:00:00 cleanup 3A1B29E001: message-id=<one@example.net>",
        "10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=12000, nrcpt=1 (queue active)",
        "10:00:00 qmgr 3A1B29E001: removed",
    ];
    let two: Vec<String> =
        one.iter().map(|line| line.replace("10:00:00", "10:00:01").replace("one@", "two@")).collect();
    let lines: Vec<&str> = one.iter().copied().chain([TOLD]).chain(two.iter().map(String::as_str)).collect();
    let story = story(&[("hub1", log("hub1", &lines.join("\n")))]);
    let told: Vec<_> = story.hops.iter().map(|hop| (&*hop.message_id, hop.content.is_some())).collect();
    assert_eq!(told, [("<one@example.net>", true), ("<two@example.net>", false)]);
}

#[test]
fn a_message_that_another_filter_refused_after_it_was_seen_is_no_message() {
    let lines = format!(
        "10:00:00.1 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00.2 cleanup 3A1B29E001: message-id=<one@example.net>
         {TOLD}
         10:00:00.3 cleanup 3A1B29E001: milter-reject: END-OF-MESSAGE from out.example.net[192.0.2.10]: 5.7.1 Spam; from=<ann@example.net> to=<bob@example.com> proto=ESMTP helo=<out.example.net>
         10:30:00 smtpd connect from out.example.net[192.0.2.10]"
    );
    let with = story(&[("hub1", log("hub1", &lines))]);
    let without = story(&[("hub1", log("hub1", &lines.replace(TOLD, "")))]);
    assert_eq!((with.told(), with.hops.len()), (without.told(), without.hops.len()));
    assert_eq!(with.rejections, without.rejections);
}
