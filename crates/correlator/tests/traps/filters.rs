//! Content filters and mail stores: one message, whatever loops it makes. Traps 1, 11, 12, 18.

use vigie_model::{Arrival, Outcome};
use vigie_testkit::{log, story};

/// Trap 1.
#[test]
fn a_content_filter_loop_is_one_message() {
    let hub = log(
        "hub1",
        "10:00:00.1 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00.2 cleanup 3A1B29E001: message-id=<one@example.net>
         10:00:00.3 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:00.5 postfix/reinject/smtpd 7C1D29E002: client=localhost[127.0.0.1], orig_queue_id=3A1B29E001, orig_client=out.example.net[192.0.2.10]
         10:00:00.5 cleanup 7C1D29E002: message-id=<one@example.net>
         10:00:00.6 qmgr 7C1D29E002: from=<ann@example.net>, size=1600, nrcpt=1 (queue active)
         10:00:00.7 smtp 3A1B29E001: to=<bob@example.com>, relay=127.0.0.1[127.0.0.1]:10024, delay=0.6, delays=0.2/0/0/0.4, dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 7C1D29E002)
         10:00:00.7 qmgr 3A1B29E001: removed
         10:00:00.8 virtual 7C1D29E002: to=<bob@example.com>, relay=virtual, delay=0.3, delays=0.1/0/0/0.2, dsn=2.0.0, status=sent (delivered to maildir)
         10:00:00.8 qmgr 7C1D29E002: removed",
    );
    let story = story(&[("hub1", hub)]);
    assert_eq!(
        story.told(),
        ["mail <ann@example.net> hub1:3A1B29E001 previous id>hub1:7C1D29E002 | bob@example.com delivered"]
    );
    let journey = story.only();
    assert_eq!((journey.size, &*journey.client_ip, journey.closed), (Some(1200), "192.0.2.10", true));
    assert_eq!(journey.deliveries[0].delivery_ms, Some(700), "from the first arrival to the last hop's end");
    let [first, second] = [journey.steps[0].counts, journey.steps[1].counts];
    assert_eq!((first.received_from_servers, first.global()), (1, 1), "into the filter is not to a server");
    assert_eq!((second.local_routing, second.global()), (1, 1), "back from the filter is no arrival");
}

/// Trap 1: no XFORWARD and no "queued as"; only Amavis tells which id became which.
#[test]
fn amavis_alone_ties_the_two_ids() {
    let hub = log(
        "hub1",
        "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00 cleanup 3A1B29E001: message-id=<one@example.net>
         10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=2 (queue active)
         10:00:01 smtpd 7C1D29E002: client=localhost[127.0.0.1]
         10:00:01 cleanup 7C1D29E002: message-id=<one@example.net>
         10:00:01 qmgr 7C1D29E002: from=<ann@example.net>, size=1600, nrcpt=2 (queue active)
         10:00:02 !amavis (00123-04) Passed CLEAN {RelayedInbound}, [192.0.2.10]:3333 [192.0.2.10] <ann@example.net> -> <bob@example.com>,<eve@example.com>, Queue-ID: 3A1B29E001, Message-ID: <one@example.net>, mail_id: abcDEF12, Hits: -1.9, size: 1180, queued_as: 7C1D29E002, 950 ms
         10:00:02 smtp 3A1B29E001: to=<bob@example.com>, relay=127.0.0.1[127.0.0.1]:10024, delay=2, delays=0.1/0/0/1.9, dsn=2.0.0, status=sent (250 2.0.0 Ok, id=00123-04)
         10:00:02 smtp 3A1B29E001: to=<eve@example.com>, relay=127.0.0.1[127.0.0.1]:10024, delay=2, delays=0.1/0/0/1.9, dsn=2.0.0, status=sent (250 2.0.0 Ok, id=00123-04)
         10:00:02 qmgr 3A1B29E001: removed
         10:00:03 lmtp 7C1D29E002: to=<bob@example.com>, relay=mbx[private/lmtp], delay=2, delays=1/0/0/1, dsn=2.0.0, status=sent (250 2.1.5 Ok)
         10:00:03 lmtp 7C1D29E002: to=<eve@example.com>, relay=mbx[private/lmtp], delay=2, delays=1/0/0/1, dsn=2.0.0, status=sent (250 2.1.5 Ok)
         10:00:03 qmgr 7C1D29E002: removed",
    );
    let story = story(&[("hub1", hub)]);
    assert_eq!(
        story.told(),
        [
            "mail <ann@example.net> hub1:3A1B29E001 filter log>hub1:7C1D29E002 | bob@example.com delivered; eve@example.com delivered"
        ]
    );
    assert_eq!(&*story.only().verdict, "amavis CLEAN -1.9");
}

/// Traps 1 and 12: a filter that keeps its connection open and names the id of the message before (seen on the sample corpus).
#[test]
fn a_filter_that_names_the_message_before_does_not_mix_two_messages() {
    let hub = log(
        "hub1",
        "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00 cleanup 3A1B29E001: message-id=<one@example.net>
         10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:00 smtpd 4B1B29E003: client=out.example.org[192.0.2.11]
         10:00:00 cleanup 4B1B29E003: message-id=<two@example.org>
         10:00:00 qmgr 4B1B29E003: from=<oto@example.org>, size=900, nrcpt=1 (queue active)
         10:00:01 smtpd 7C1D29E002: client=localhost[127.0.0.1], orig_queue_id=3A1B29E001, orig_client=out.example.net[192.0.2.10]
         10:00:01 cleanup 7C1D29E002: message-id=<one@example.net>
         10:00:01 qmgr 7C1D29E002: from=<ann@example.net>, size=1600, nrcpt=1 (queue active)
         10:00:01 smtp 3A1B29E001: to=<bob@example.com>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 7C1D29E002)
         10:00:01 qmgr 3A1B29E001: removed
         10:00:02 smtpd 8D1D29E004: client=localhost[127.0.0.1], orig_queue_id=3A1B29E001, orig_client=out.example.net[192.0.2.10]
         10:00:02 cleanup 8D1D29E004: message-id=<two@example.org>
         10:00:02 qmgr 8D1D29E004: from=<oto@example.org>, size=1300, nrcpt=1 (queue active)
         10:00:02 smtp 4B1B29E003: to=<pia@example.com>, relay=127.0.0.1[127.0.0.1]:10024, conn_use=2, delay=2, delays=1/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 8D1D29E004)
         10:00:02 qmgr 4B1B29E003: removed
         10:00:03 virtual 7C1D29E002: to=<bob@example.com>, relay=virtual, delay=2, delays=2/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
         10:00:03 qmgr 7C1D29E002: removed
         10:00:03 virtual 8D1D29E004: to=<pia@example.com>, relay=virtual, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
         10:00:03 qmgr 8D1D29E004: removed",
    );
    let mut told = story(&[("hub1", hub)]).told();
    told.sort();
    assert_eq!(
        told,
        [
            "mail <ann@example.net> hub1:3A1B29E001 previous id>hub1:7C1D29E002 | bob@example.com delivered",
            "mail <oto@example.org> hub1:4B1B29E003 reply>hub1:8D1D29E004 | pia@example.com delivered",
        ]
    );
}

/// Trap 1: a gateway that gives mail a new message id is tied by what Postfix says of the connection.
#[test]
fn a_filter_that_changes_the_message_id_keeps_the_message_whole() {
    let hub = log(
        "hub1",
        "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00 cleanup 3A1B29E001: message-id=<one@example.net>
         10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:01 smtpd 7C1D29E002: client=localhost[127.0.0.1], orig_queue_id=3A1B29E001, orig_client=out.example.net[192.0.2.10]
         10:00:01 cleanup 7C1D29E002: message-id=<rewritten@gateway.example.com>
         10:00:01 qmgr 7C1D29E002: from=<ann@example.net>, size=1600, nrcpt=1 (queue active)
         10:00:02 smtp 3A1B29E001: to=<bob@example.com>, relay=127.0.0.1[127.0.0.1]:10024, delay=2, delays=0/0/0/2, dsn=2.0.0, status=sent (250 Ok signed)
         10:00:02 qmgr 3A1B29E001: removed
         10:00:03 virtual 7C1D29E002: to=<bob@example.com>, relay=virtual, delay=2, delays=2/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
         10:00:03 qmgr 7C1D29E002: removed",
    );
    assert_eq!(
        story(&[("hub1", hub)]).told(),
        ["mail <ann@example.net> hub1:3A1B29E001 previous id>hub1:7C1D29E002 | bob@example.com delivered"]
    );
}

/// Trap 11.
#[test]
fn before_queue_proxy_has_no_queue_id_at_first() {
    let edge = log(
        "edge1",
        "10:00:00.0 smtpd connect from out.example.net[192.0.2.10]
         10:00:00.1 smtpd NOQUEUE: client=out.example.net[192.0.2.10]
         10:00:00.3 smtpd 7C1D29E002: client=localhost[127.0.0.1], orig_client=out.example.net[192.0.2.10]
         10:00:00.3 cleanup 7C1D29E002: message-id=<one@example.net>
         10:00:00.4 smtpd proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok: queued as 7C1D29E002; from=<ann@example.net> to=<bob@example.com> proto=ESMTP helo=<out.example.net>
         10:00:00.4 qmgr 7C1D29E002: from=<ann@example.net>, size=1600, nrcpt=1 (queue active)
         10:00:00.5 smtpd disconnect from out.example.net[192.0.2.10] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5
         10:00:00.6 virtual 7C1D29E002: to=<bob@example.com>, relay=virtual, delay=0.3, delays=0.2/0/0/0.1, dsn=2.0.0, status=sent (delivered to maildir)
         10:00:00.6 qmgr 7C1D29E002: removed",
    );
    let story = story(&[("edge1", edge)]);
    assert_eq!(story.told(), ["mail <ann@example.net> edge1:7C1D29E002 | bob@example.com delivered"]);
    let journey = story.only();
    assert_eq!(
        (&*journey.client_name, &*journey.client_ip),
        ("out.example.net", "192.0.2.10"),
        "the client, not the filter"
    );
    assert_eq!((journey.arrival, journey.steps[0].counts.received_from_servers), (Arrival::Server, 1));
    assert_eq!(story.unknown, Vec::<String>::new());
}

/// Trap 11: what the filter before the queue refuses was never a message.
#[test]
fn a_before_queue_proxy_refuses() {
    let edge = log(
        "edge1",
        "10:00:00 smtpd NOQUEUE: client=out.example.net[192.0.2.10]
         10:00:01 smtpd proxy-reject: END-OF-MESSAGE: 554 5.7.0 Reject, id=00123-04 - SPAM; from=<ann@example.net> to=<bob@example.com> proto=ESMTP helo=<out.example.net>
         10:00:02 smtpd NOQUEUE: proxy-reject: END-OF-MESSAGE: 550 5.7.1 virus; from=<eve@example.net> to=<bob@example.com> proto=ESMTP helo=<out.example.net>",
    );
    let story = story(&[("edge1", edge)]);
    assert_eq!(story.told(), Vec::<String>::new());
    assert_eq!(
        story.refused(),
        [
            "END-OF-MESSAGE [] 554 5.7.0 <ann@example.net> <bob@example.com>: Reject, id=00123-04 - SPAM",
            "END-OF-MESSAGE [] 550 5.7.1 <eve@example.net> <bob@example.com>: virus",
        ]
    );
    assert_eq!(story.unknown, Vec::<String>::new());
}

/// Trap 12: the filter's own id has the form of a queue id, and is even that of another message.
#[test]
fn a_filters_own_id_that_looks_like_a_queue_id() {
    let hub = log(
        "hub1",
        "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00 cleanup 3A1B29E001: message-id=<one@example.net>
         10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:00 smtpd 4B1B29E003: client=out.example.org[192.0.2.11]
         10:00:00 cleanup 4B1B29E003: message-id=<two@example.org>
         10:00:00 qmgr 4B1B29E003: from=<oto@example.org>, size=900, nrcpt=1 (queue active)
         10:00:01 smtp 3A1B29E001: to=<bob@example.com>, relay=mx.example.com[192.0.2.80]:25, delay=1, delays=0/0/0/1, dsn=2.5.0, status=sent (250 2.5.0 OK (4B1B29E003))
         10:00:01 qmgr 3A1B29E001: removed
         10:00:02 smtp 4B1B29E003: to=<pia@example.com>, relay=mx.example.com[192.0.2.80]:25, delay=2, delays=0/0/0/2, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 3A1B29E001)
         10:00:02 qmgr 4B1B29E003: removed",
    );
    let mut told = story(&[("hub1", hub)]).told();
    told.sort();
    assert_eq!(
        told,
        [
            "mail <ann@example.net> hub1:3A1B29E001 | bob@example.com delivered",
            "mail <oto@example.org> hub1:4B1B29E003 | pia@example.com delivered",
        ],
        "another server's id that is also one of ours"
    );
}

/// Trap 18.
#[test]
fn discarded_by_amavis_is_not_a_delivery() {
    let hub = log(
        "hub1",
        "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00 cleanup 3A1B29E001: message-id=<one@example.net>
         10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:01 !amavis (00123-05) Blocked SPAM {DiscardedInbound,Quarantined}, [192.0.2.10]:3333 [192.0.2.10] <ann@example.net> -> <bob@example.com>, quarantine: s/spam-xYz, Queue-ID: 3A1B29E001, Message-ID: <one@example.net>, mail_id: xYz, Hits: 22.2, size: 1180, 650 ms
         10:00:01 smtp 3A1B29E001: to=<bob@example.com>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=0/0/0/1, dsn=2.7.0, status=sent (250 2.7.0 Ok, discarded, id=00123-05 - spam)
         10:00:01 qmgr 3A1B29E001: removed",
    );
    let story = story(&[("hub1", hub)]);
    assert_eq!(story.told(), ["mail <ann@example.net> hub1:3A1B29E001 | bob@example.com filtered"]);
    assert_eq!(&*story.only().verdict, "amavis SPAM 22.2 quarantined");
    assert_eq!(story.only().steps[0].counts.global(), 1, "it came in, and went nowhere");
}

/// Trap 18: Amavis blocks it, though the reply says nothing of that.
#[test]
fn blocked_by_amavis_with_a_plain_reply_is_not_a_delivery() {
    let hub = log(
        "hub1",
        "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:01 smtp 3A1B29E001: to=<bob@example.com>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=0/0/0/1, dsn=2.5.0, status=sent (250 2.5.0 OK, id=00123-05)
         10:00:01 !amavis (00123-05) Blocked INFECTED (Eicar-Test) {DiscardedInbound,Quarantined}, [192.0.2.10] <ann@example.net> -> <bob@example.com>, Queue-ID: 3A1B29E001, mail_id: xYz, Hits: -, size: 1180, 650 ms
         10:00:01 qmgr 3A1B29E001: removed",
    );
    assert_eq!(story(&[("hub1", hub)]).told(), ["mail <ann@example.net> hub1:3A1B29E001 | bob@example.com filtered"]);
}

/// Trap 18: discard(8), in the transport table or by a relay that is no relay.
#[test]
fn the_discard_transport_is_not_a_delivery() {
    let hub = log(
        "hub1",
        "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:01 discard 3A1B29E001: to=<noreply@example.com>, relay=none, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (nobody reads this)
         10:00:01 qmgr 3A1B29E001: removed",
    );
    assert_eq!(
        story(&[("hub1", hub)]).told(),
        ["mail <ann@example.net> hub1:3A1B29E001 | noreply@example.com discarded"]
    );
}

/// Trap 18.
#[test]
fn sieve_discard_overrides_delivered() {
    let mbx = log(
        "mbx1",
        "10:00:00 smtpd 3A1B29E001: client=hub1.example.com[192.0.2.2]
         10:00:00 cleanup 3A1B29E001: message-id=<one@example.net>
         10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=2 (queue active)
         10:00:01 !dovecot lmtp(bob)<77><cZbuDraTAmvWdAAATvhV7g>: sieve: msgid=<one@example.net>: marked message to be discarded if not explicitly delivered (discard action)
         10:00:01 !dovecot lmtp(eve)<77><cZbuDraTAmvWdAAATvhV7g:R2>: sieve: msgid=<one@example.net>: stored mail into mailbox 'INBOX'
         10:00:01 lmtp 3A1B29E001: to=<bob@example.com>, relay=mbx1.example.com[private/dovecot-lmtp], delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 <bob@example.com> cZbuDraTAmvWdAAATvhV7g Saved)
         10:00:01 lmtp 3A1B29E001: to=<eve@example.com>, relay=mbx1.example.com[private/dovecot-lmtp], delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 <eve@example.com> cZbuDraTAmvWdAAATvhV7g:R2 Saved)
         10:00:01 qmgr 3A1B29E001: removed",
    );
    let story = story(&[("mbx1", mbx)]);
    assert_eq!(
        story.told(),
        [
            "mail <ann@example.net> mbx1:3A1B29E001 reply>mbx1:cZbuDraTAmvWdAAATvhV7g | bob@example.com discarded; eve@example.com delivered"
        ]
    );
    let counts = story.only().steps[0].counts;
    assert_eq!((counts.received_from_servers, counts.local_routing, counts.global()), (1, 1, 2), "one copy was kept");
}

/// Trap 18: a redirect replaces the recipient; the new address is delivered, and the message stays one.
#[test]
fn a_sieve_redirect_goes_on_as_the_same_message() {
    let mbx = log(
        "mbx1",
        "10:00:00 smtpd 3A1B29E001: client=hub1.example.com[192.0.2.2]
         10:00:00 cleanup 3A1B29E001: message-id=<one@example.net>
         10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:01 !dovecot lmtp(bob)<77><cZbuDraTAmvWdAAATvhV7g>: sieve: msgid=<one@example.net>: forwarded to <bob@home.example.org>
         10:00:01 lmtp 3A1B29E001: to=<bob@example.com>, relay=mbx1.example.com[private/dovecot-lmtp], delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 <bob@example.com> cZbuDraTAmvWdAAATvhV7g Saved)
         10:00:01 qmgr 3A1B29E001: removed
         10:00:01 pickup 5E1F29E005: uid=1001 from=<ann@example.net>
         10:00:01 cleanup 5E1F29E005: message-id=<one@example.net>
         10:00:01 qmgr 5E1F29E005: from=<ann@example.net>, size=1500, nrcpt=1 (queue active)
         10:00:02 smtp 5E1F29E005: to=<bob@home.example.org>, relay=mx.home.example.org[192.0.2.90]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 99AA11BB22)
         10:00:02 qmgr 5E1F29E005: removed",
    );
    let story = story(&[("mbx1", mbx)]);
    assert_eq!(
        story.told(),
        ["mail <ann@example.net> mbx1:3A1B29E001 reply>mbx1:cZbuDraTAmvWdAAATvhV7g redirect>mbx1:5E1F29E005 | \
          bob@example.com forwarded; bob@home.example.org delivered"]
    );
    let delivered = story.only().deliveries.iter().filter(|delivery| delivery.outcome == Outcome::Delivered).count();
    assert_eq!(delivered, 1);
}
