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
