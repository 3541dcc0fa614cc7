//! What was refused before the queue. Trap 10.

use vigie_testkit::{log, story};

/// Trap 10.
#[test]
fn postscreen_reject_with_commas_and_port() {
    let edge = log(
        "edge1",
        "10:00:00 postscreen CONNECT from [192.0.2.66]:51234 to [192.0.2.1]:25
         10:00:00 dnsblog addr 192.0.2.66 listed by domain zen.example.org as 127.0.0.4
         10:00:06 postscreen DNSBL rank 3 for [192.0.2.66]:51234
         10:00:06 postscreen NOQUEUE: reject: RCPT from [192.0.2.66]:51234: 550 5.7.1 Service unavailable; client [192.0.2.66] blocked using zen.example.org; from=<ann@example.net>, to=<bob@example.com>, proto=ESMTP, helo=<mail.example.net>
         10:00:07 postscreen NOQUEUE: reject: RCPT from [2001:db8::66]:4321: 450 4.3.2 Service currently unavailable; from=<>, to=<bob@example.com>, proto=SMTP, helo=<x>
         10:00:07 postscreen NOQUEUE: reject: CONNECT from [192.0.2.67]:1234: too many connections
         10:00:08 postscreen DISCONNECT [192.0.2.66]:51234",
    );
    let story = story(&[("edge1", edge)]);
    assert_eq!(
        story.refused(),
        [
            "RCPT [192.0.2.66] 550 5.7.1 <ann@example.net> <bob@example.com>: blocked using zen.example.org",
            "CONNECT [192.0.2.67] 0  <> <>: too many connections",
            "RCPT [2001:db8::66] 450 4.3.2 <> <bob@example.com>: Service currently unavailable",
        ]
    );
    assert_eq!(&*story.rejections[0].helo, "mail.example.net");
    assert_eq!((story.told(), story.unknown), (Vec::new(), Vec::new()));
}

/// Trap 10: smtpd(8) at every stage.
#[test]
fn smtpd_refuses_at_every_stage() {
    let edge = log(
        "edge1",
        "10:00:00 smtpd NOQUEUE: reject: CONNECT from unknown[192.0.2.66]: 554 5.7.1 <unknown[192.0.2.66]>: Client host rejected: Access denied; proto=SMTP
         10:00:01 smtpd NOQUEUE: reject: EHLO from h.example.net[192.0.2.66]: 450 4.7.1 <h>: Helo command rejected: Host not found; proto=SMTP helo=<h>
         10:00:02 smtpd NOQUEUE: reject: MAIL from h.example.net[192.0.2.66]: 552 5.3.4 Message size exceeds fixed limit; proto=ESMTP helo=<h>
         10:00:03 smtpd NOQUEUE: reject: RCPT from h.example.net[192.0.2.66]: 554 5.7.1 <bob@example.org>: Relay access denied; from=<ann@example.net> to=<bob@example.org> proto=ESMTP helo=<h>
         10:00:04 smtpd NOQUEUE: reject: RCPT from h.example.net[192.0.2.66]: 554 5.7.1 Service unavailable; Client host [192.0.2.66] blocked using bl.example.org; https://bl.example.org/q?ip=192.0.2.66; from=<ann@example.net> to=<bob@example.com> proto=ESMTP helo=<h>
         10:00:05 smtpd NOQUEUE: reject: RCPT from h.example.net[192.0.2.66]: 450 4.2.0 <bob@example.com>: Recipient address rejected: Greylisted, see http://example.org/help; from=<ann@example.net> to=<bob@example.com> proto=ESMTP helo=<h>
         10:00:06 smtpd NOQUEUE: reject_warning: RCPT from h.example.net[192.0.2.66]: 450 4.1.8 <ann@example.net>: Sender address rejected: Domain not found; from=<ann@example.net> to=<bob@example.com> proto=ESMTP helo=<h>
         10:00:07 smtpd NOQUEUE: filter: RCPT from h.example.net[192.0.2.66]: <h.example.net[192.0.2.66]>: Client host triggers FILTER smtp:[127.0.0.1]:10024; from=<ann@example.net> to=<bob@example.com> proto=ESMTP helo=<h>
         10:00:08 smtpd NOQUEUE: milter-reject: RCPT from h.example.net[192.0.2.66]: 451 4.7.1 Service unavailable - try again later; from=<ann@example.net> to=<bob@example.com> proto=ESMTP helo=<h>
         10:00:09 smtpd NOQUEUE: milter-reject: CONNECT from h.example.net[192.0.2.66]: 550 5.7.1 Command rejected; proto=SMTP
         10:00:10 smtpd NOQUEUE: reject: VRFY from h.example.net[192.0.2.66]: 550 5.1.1 <x>: Recipient address rejected: User unknown; to=<x> proto=SMTP helo=<h>",
    );
    let story = story(&[("edge1", edge)]);
    assert_eq!(
        story.refused(),
        [
            "CONNECT unknown[192.0.2.66] 554 5.7.1 <> <>: Client host rejected: Access denied",
            "EHLO h.example.net[192.0.2.66] 450 4.7.1 <> <>: Helo command rejected: Host not found",
            "MAIL h.example.net[192.0.2.66] 552 5.3.4 <> <>: Message size exceeds fixed limit",
            "RCPT h.example.net[192.0.2.66] 554 5.7.1 <ann@example.net> <bob@example.org>: Relay access denied",
            "RCPT h.example.net[192.0.2.66] 554 5.7.1 <ann@example.net> <bob@example.com>: blocked using bl.example.org",
            "RCPT h.example.net[192.0.2.66] 450 4.2.0 <ann@example.net> <bob@example.com>: \
             Recipient address rejected: Greylisted, see http://example.org/help",
            "RCPT h.example.net[192.0.2.66] 451 4.7.1 <ann@example.net> <bob@example.com>: Service unavailable - try again later",
            "CONNECT h.example.net[192.0.2.66] 550 5.7.1 <> <>: Command rejected",
            "VRFY h.example.net[192.0.2.66] 550 5.1.1 <> <x>: Recipient address rejected: User unknown",
        ],
        "a warning and a filter rule refuse nothing"
    );
    assert_eq!(story.unknown, Vec::<String>::new());
}

/// Trap 10: the second recipient is refused under the queue id of the first; the message goes on.
#[test]
fn a_refused_recipient_leaves_the_others_be() {
    let edge = log(
        "edge1",
        "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00 smtpd 3A1B29E001: reject: RCPT from out.example.net[192.0.2.10]: 550 5.1.1 <nobody@example.com>: Recipient address rejected: User unknown in virtual mailbox table; from=<ann@example.net> to=<nobody@example.com> proto=ESMTP helo=<out.example.net>
         10:00:00 cleanup 3A1B29E001: message-id=<one@example.net>
         10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:01 virtual 3A1B29E001: to=<bob@example.com>, relay=virtual, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
         10:00:01 qmgr 3A1B29E001: removed",
    );
    let story = story(&[("edge1", edge)]);
    assert_eq!(story.told(), ["mail <ann@example.net> edge1:3A1B29E001 | bob@example.com delivered"]);
    assert_eq!(story.refused().len(), 1);
    assert_eq!(story.rejections[0].queue_id.map(|id| id.to_string()).as_deref(), Some("3A1B29E001"));
}

/// The whole message is refused at its end, by size or by a header check: no message.
#[test]
fn a_message_refused_at_its_end_is_none() {
    let edge = log(
        "edge1",
        "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00 cleanup 3A1B29E001: message-id=<one@example.net>
         10:00:00 cleanup 3A1B29E001: reject: header Subject: buy; from=<x@y>; to=<z> now from out.example.net[192.0.2.10]; from=<ann@example.net> to=<bob@example.com> proto=ESMTP helo=<out.example.net>: 5.7.1 no advertising
         10:00:01 smtpd 4B1B29E003: client=out.example.net[192.0.2.10]
         10:00:01 cleanup 4B1B29E003: message-id=<two@example.net>
         10:00:01 smtpd 4B1B29E003: reject: END-OF-MESSAGE from out.example.net[192.0.2.10]: 552 5.3.4 Message size exceeds fixed limit; from=<ann@example.net> to=<bob@example.com> proto=ESMTP helo=<out.example.net>",
    );
    let story = story(&[("edge1", edge)]);
    assert_eq!(story.told(), Vec::<String>::new());
    assert_eq!(
        story.refused(),
        [
            "END-OF-MESSAGE out.example.net[192.0.2.10] 0 5.7.1 <ann@example.net> <bob@example.com>: header checks: no advertising",
            "END-OF-MESSAGE out.example.net[192.0.2.10] 552 5.3.4 <ann@example.net> <bob@example.com>: Message size exceeds fixed limit",
        ]
    );
}
