//! What filters say of a message, and whose message it is. Traps 1, 5, 10, 11, 13 and 18.

use vigie_correlator::Host;
use vigie_model::Outcome;
use vigie_testkit::{Reading, Story, log, random::Random, story, timed};

/// A message that arrives, and one that leaves by virtual(8).
const MESSAGE: &str = "10:00:00.1 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
    10:00:00.2 cleanup 3A1B29E001: message-id=<one@example.net>
    10:00:00.6 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
    10:00:00.8 virtual 3A1B29E001: to=<bob@example.com>, relay=virtual, delay=0.7, delays=0.6/0/0/0.1, dsn=2.0.0, status=sent (delivered to maildir)
    10:00:00.8 qmgr 3A1B29E001: removed";

const FILTERS: &str = "10:00:00.3 !opendkim 3A1B29E001: s=sel d=example.net a=rsa-sha256 SSL
    10:00:00.3 !opendkim 3A1B29E001: DKIM verification successful
    10:00:00.3 !opendkim 3A1B29E001: signature=cPn1RqZb domain=example.net selector=sel result=\"no signature error\"
    10:00:00.4 !opendmarc 3A1B29E001: SPF(mailfrom): example.net pass
    10:00:00.4 !opendmarc 3A1B29E001: example.net none
    10:00:00.5 !rspamd <1a2b3c>; proxy; rspamd_task_write_log: id: <one@example.net>, qid: <3A1B29E001>, ip: 192.0.2.10, from: <ann@example.net>, (default: T (add header): [7.50/15.00] [X(0.00){}]), len: 900
    10:00:00.5 !spamd spamd: result: . 2 - BAYES_50 scantime=0.4,size=900,user=x,uid=1,required_score=5.0,mid=<one@example.net>,autolearn=no";

const SAID: &str = "dkim pass example.net; dmarc none example.net; rspamd add header 7.50/15.00; spamassassin ham 2; spf pass example.net";

/// The lines of hub1 as they come.
fn told_in_order(lines: &[String]) -> Story {
    let text = lines.join("\n");
    story(&[("hub1", text)])
}

fn lines(parts: &[&str]) -> Vec<String> {
    log("hub1", &parts.join("\n")).lines().map(str::to_owned).collect()
}

#[test]
fn verdicts_of_several_programs_stand_side_by_side() {
    let story = told_in_order(&lines(&[MESSAGE, FILTERS]));
    assert_eq!(story.told(), ["mail <ann@example.net> hub1:3A1B29E001 | bob@example.com delivered"]);
    assert_eq!(&*story.only().verdict, SAID);
}

/// Trap 13: whichever line comes first, within what syslog mixes; and with the state saved between any two.
#[test]
fn verdicts_are_the_same_in_any_order_of_lines() {
    let all = lines(&[MESSAGE, FILTERS]);
    for seed in 0..200 {
        let (mut shuffled, mut random) = (all.clone(), Random::new(seed));
        random.shuffle(&mut shuffled);
        let mut reading = Reading::of(&["hub1"]);
        for line in timed(0, shuffled.join("\n").as_bytes(), &jiff::tz::TimeZone::UTC, i64::MAX / 4) {
            reading.line(&line);
            let saved = reading.hosts[0].snapshot();
            reading.hosts[0] = Host::restore(&saved).expect("its own state");
        }
        assert_eq!(&*reading.story().only().verdict, SAID, "{seed}: {shuffled:#?}");
    }
}

/// Trap 5: the id is used again, and each message keeps what was said of it.
#[test]
fn verdict_belongs_to_the_message_that_was_there() {
    let first = MESSAGE.replace("10:00:", "09:58:");
    let before = "09:58:00.5 !amavis (1-1) Passed SPAMMY {RelayedTaggedInbound}, <ann@example.net> -> <bob@example.com>, Queue-ID: 3A1B29E001, Message-ID: <one@example.net>, mail_id: x, Hits: 6, size: 1, 9 ms";
    // Said of the id before and after the two messages: of nobody's.
    let nobody = "09:57:00 !opendkim 3A1B29E001: bad signature data\n09:59:00 !opendkim 3A1B29E001: bad signature data";
    let story = told_in_order(&lines(&[&first, before, nobody, MESSAGE, FILTERS]));
    let verdicts: Vec<&str> = story.journeys.iter().map(|journey| &*journey.verdict).collect();
    assert_eq!(verdicts, ["amavis SPAMMY 6", SAID]);
}

/// A filter's log with whole seconds: its line seems to stand before the message's first.
#[test]
fn verdict_with_a_coarser_clock_finds_its_message() {
    let message = MESSAGE.replace("10:00:00.", "10:00:00.9");
    let said = "10:00:00 !rspamd <1a2b3c>; proxy; rspamd_task_write_log: id: <one@example.net>, qid: <3A1B29E001>, (default: F (no action): [0.10/15.00] []), len: 9";
    assert_eq!(&*told_in_order(&lines(&[said, &message])).only().verdict, "rspamd no action 0.10/15.00");
}

/// Trap 11: before the queue, Amavis knows a message id and what its copy was queued as.
#[test]
fn amavis_before_the_queue() {
    let said = "10:00:00.7 !amavis (292-02) Passed CLEAN {RelayedInbound}, [192.0.2.10]:47729 [192.0.2.10] <ann@example.net> -> <bob@example.com>, Message-ID: <one@example.net>, mail_id: aQf4qUzhm9ml, Hits: 1.3, size: 679, queued_as: 3A1B29E001, 286 ms";
    let story = told_in_order(&lines(&[MESSAGE, said]));
    assert_eq!(&*story.only().verdict, "amavis CLEAN 1.3");
    assert_eq!(story.only().steps.len(), 1, "it does not follow itself");
}

/// A message id alone ties words to the messages of that minute, and to no other.
#[test]
fn verdict_by_message_id_stays_near_it() {
    let later = MESSAGE.replace("10:00:", "10:05:").replace("3A1B29E001", "4B1B29E003");
    let spamd = "10:00:07 !spamd spamd: result: Y 15 - GTUBE scantime=6.4,size=900,user=x,uid=1,required_score=5.0,mid=<one@example.net>,autolearn=no";
    let other = "10:00:07 !spamd spamd: result: Y 99 - GTUBE scantime=6.4,size=900,user=x,uid=1,required_score=5.0,mid=<two@example.net>,autolearn=no";
    let story = told_in_order(&lines(&[MESSAGE, spamd, other, &later]));
    let verdicts: Vec<&str> = story.journeys.iter().map(|journey| &*journey.verdict).collect();
    assert_eq!(verdicts, ["spamassassin spam 15", ""]);
}

/// The site's format has no queue id: the task's other line has.
#[test]
fn rspamd_lines_with_one_tag_belong_together() {
    let parsed = "10:00:00.4 !rspamd <f1aa24>; proxy; rspamd_message_parse: loaded message; id: <one@example.net>; queue-id: <3A1B29E001>; size: 508; checksum: <50>";
    let result = "10:00:00.5 !rspamd <f1aa24>; proxy; rspamd_task_write_log: from: <x@b.example>, (default: S (reject): [15.00/15.00] [])";
    let another = "10:00:00.5 !rspamd <0badf0>; proxy; rspamd_task_write_log: from: <x@b.example>, (default: S (no action): [1.00/15.00] [])";
    for parts in
        [[MESSAGE, parsed, result, another], [result, another, parsed, MESSAGE], [parsed, MESSAGE, another, result]]
    {
        assert_eq!(&*told_in_order(&lines(&parts)).only().verdict, "rspamd reject 15.00/15.00");
    }
}

/// Trap 1: the line that ties the two ids was cut, and both parts are needed.
#[test]
fn amavis_line_in_two_parts_ties_and_tells() {
    let hub = log(
        "hub1",
        "10:00:00 smtpd 0B77961AAA: client=out.example.net[192.0.2.10]
         10:00:00 qmgr 0B77961AAA: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:01 smtpd 509E764AAA: client=localhost[127.0.0.1]
         10:00:01 qmgr 509E764AAA: from=<ann@example.net>, size=1600, nrcpt=1 (queue active)
         10:00:01 !amavis (00096-07) Passed CLEAN {RelayedInbound}, [192.0.2.10] <ann@example.net> -> <bob@example.com>,<member21@example...
         10:00:01 !amavis (00096-07) ....com>, Queue-ID: 0B77961AAA, Message-ID: <one@example.net>, mail_id: x, Hits: 1.3, size: 792, queued_as: 509E764AAA, 154 ms
         10:00:01 smtp 0B77961AAA: to=<bob@example.com>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok, id=00096-07)
         10:00:01 qmgr 0B77961AAA: removed
         10:00:02 virtual 509E764AAA: to=<bob@example.com>, relay=virtual, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
         10:00:02 qmgr 509E764AAA: removed",
    );
    let story = story(&[("hub1", hub)]);
    assert_eq!(
        story.told(),
        ["mail <ann@example.net> hub1:0B77961AAA filter log>hub1:509E764AAA | bob@example.com delivered"]
    );
    assert_eq!(&*story.only().verdict, "amavis CLEAN");
}

/// Trap 18: one reply for both, `queued as X, but 1 DISCARD`, and only Amavis says for whom (captured with amavis 2.13).
#[test]
fn amavis_drops_it_for_one_recipient_of_two() {
    let keys = "Queue-ID: 3FB237DAAA, Message-ID: <one@example.net>, mail_id: x, Hits: 1002.301, size: 743";
    let hub = log(
        "hub1",
        &format!(
            "10:00:00 smtpd 3FB237DAAA: client=out.example.net[192.0.2.10]
             10:00:00 cleanup 3FB237DAAA: message-id=<one@example.net>
             10:00:00 qmgr 3FB237DAAA: from=<ann@example.net>, size=1200, nrcpt=2 (queue active)
             10:00:01 smtpd 7A76F80AAA: client=localhost[127.0.0.1], orig_queue_id=3FB237DAAA, orig_client=out.example.net[192.0.2.10]
             10:00:01 cleanup 7A76F80AAA: message-id=<one@example.net>
             10:00:01 qmgr 7A76F80AAA: from=<ann@example.net>, size=1600, nrcpt=1 (queue active)
             10:00:01 !amavis (102-12) Passed SPAM {{DiscardedInbound,RelayedTaggedInbound,Quarantined}}, <ann@example.net> -> <lover@example.com>, {keys}, queued_as: 7A76F80AAA, 145 ms
             10:00:01 !amavis (102-12) Blocked SPAM {{DiscardedInbound,RelayedTaggedInbound,Quarantined}}, <ann@example.net> -> <Bob@example.com>, {keys}, 145 ms
             10:00:01 smtp 3FB237DAAA: to=<bob@example.com>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 7A76F80AAA, but 1 DISCARD)
             10:00:01 smtp 3FB237DAAA: to=<lover@example.com>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 7A76F80AAA, but 1 DISCARD)
             10:00:01 qmgr 3FB237DAAA: removed
             10:00:02 virtual 7A76F80AAA: to=<lover@example.com>, relay=virtual, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
             10:00:02 qmgr 7A76F80AAA: removed"
        ),
    );
    let story = story(&[("hub1", hub)]);
    assert_eq!(
        story.told(),
        [
            "mail <ann@example.net> hub1:3FB237DAAA previous id>hub1:7A76F80AAA | bob@example.com filtered; lover@example.com delivered"
        ]
    );
    let counts: Vec<u64> = story.only().steps.iter().map(|step| step.counts.global()).collect();
    assert_eq!(counts, [1, 1], "it came once, and one copy stayed");
}

/// Trap 18: Amavis took it and sent a notice of its own.
#[test]
fn amavis_that_sends_it_back_has_bounced_it() {
    let hub = log(
        "hub1",
        "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:01 !amavis (1-5) Blocked BANNED (.exe,tool.exe) {BouncedInbound,Quarantined}, <ann@example.net> -> <bob@example.com>, Queue-ID: 3A1B29E001, mail_id: x, Hits: -, size: 1180, 650 ms
         10:00:01 smtp 3A1B29E001: to=<bob@example.com>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=0/0/0/1, dsn=2.5.0, status=sent (250 2.5.0 Ok, id=1-5, BOUNCE)
         10:00:01 qmgr 3A1B29E001: removed",
    );
    let story = story(&[("hub1", hub)]);
    assert_eq!(story.only().deliveries[0].outcome, Outcome::Bounced);
    assert_eq!(&*story.only().verdict, "amavis BANNED (.exe,tool.exe) quarantined");
}

/// MailScanner takes messages out of the hold queue: what it puts back is the same message.
#[test]
fn mailscanner_gives_a_held_message_another_id() {
    let hub = log(
        "hub1",
        "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:00 cleanup 3A1B29E001: hold: header Received: from out.example.net (out.example.net [192.0.2.10]) from out.example.net[192.0.2.10]; from=<ann@example.net> to=<bob@example.com> proto=ESMTP helo=<out.example.net>
         10:00:00 cleanup 3A1B29E001: message-id=<one@example.net>
         10:00:04 !MailScanner Message 3A1B29E001.A4F2C from 192.0.2.10 (ann@example.net) to example.com is not spam, SpamAssassin (not cached, score=-1.9, required 6, autolearn=not spam)
         10:00:05 !MailScanner Requeue: 3A1B29E001.A4F2C to 7C1D29E002
         10:00:05 qmgr 7C1D29E002: from=<ann@example.net>, size=1600, nrcpt=1 (queue active)
         10:00:06 virtual 7C1D29E002: to=<bob@example.com>, relay=virtual, delay=6, delays=5/0/0/1, dsn=2.0.0, status=sent (delivered to maildir)
         10:00:06 qmgr 7C1D29E002: removed",
    );
    let story = story(&[("hub1", hub)]);
    assert_eq!(
        story.told(),
        ["mail <ann@example.net> hub1:3A1B29E001 filter log>hub1:7C1D29E002 | bob@example.com delivered"]
    );
    let journey = story.only();
    assert_eq!((&*journey.verdict, journey.closed), ("mailscanner not spam -1.9", true));
}

/// Trap 10: Postgrey puts it off, Postfix says so, and that is one refusal.
#[test]
fn greylisting_is_refused_once() {
    let hub = log(
        "hub1",
        "10:00:00 !postgrey action=greylist, reason=new, client_name=out.example.net, client_address=192.0.2.10, sender=ann@example.net, recipient=bob@example.com
         10:00:00 smtpd NOQUEUE: reject: RCPT from out.example.net[192.0.2.10]: 450 4.2.0 <bob@example.com>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/example.com.html; from=<ann@example.net> to=<bob@example.com> proto=ESMTP helo=<out.example.net>",
    );
    let story = story(&[("hub1", hub)]);
    assert_eq!((story.told().len(), story.rejections.len()), (0, 1), "{:?}", story.refused());
}

/// Trap 10: Rspamd's greylisting is a soft reject that Postfix passes on: one refusal, and the next try is a message.
#[test]
fn rspamd_soft_reject_is_refused_once() {
    let said = |id: &str, result: &str| {
        format!(
            "!rspamd <1a2b3c>; proxy; rspamd_task_write_log: id: <one@example.net>, qid: <{id}>, ip: 192.0.2.10, from: <ann@example.net>, (default: F ({result}): [4.50/15.00] [GREYLIST(0.00){{}}]), len: 900"
        )
    };
    let hub = log(
        "hub1",
        &format!(
            "10:00:00.1 smtpd E2F554DAAA: client=out.example.net[192.0.2.10]
             10:00:00.2 cleanup E2F554DAAA: message-id=<one@example.net>
             10:00:00.3 {}
             10:00:00.3 cleanup E2F554DAAA: milter-reject: END-OF-MESSAGE from out.example.net[192.0.2.10]: 4.7.1 Try again later; from=<ann@example.net> to=<bob@example.com> proto=ESMTP helo=<out.example.net>
             10:06:00.1 smtpd F3F554DAAA: client=out.example.net[192.0.2.10]
             10:06:00.2 cleanup F3F554DAAA: message-id=<one@example.net>
             10:06:00.3 {}
             10:06:00.6 qmgr F3F554DAAA: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
             10:06:00.8 virtual F3F554DAAA: to=<bob@example.com>, relay=virtual, delay=0.7, delays=0.6/0/0/0.1, dsn=2.0.0, status=sent (delivered to maildir)
             10:06:00.8 qmgr F3F554DAAA: removed",
            said("E2F554DAAA", "soft reject"),
            said("F3F554DAAA", "no action")
        ),
    );
    let story = story(&[("hub1", hub)]);
    assert_eq!(story.rejections.len(), 1, "{:?}", story.refused());
    assert_eq!(story.told(), ["mail <ann@example.net> hub1:F3F554DAAA | bob@example.com delivered"]);
    assert_eq!(&*story.only().verdict, "rspamd no action 4.50/15.00");
}

/// A milter's words on a message that the server then refused: no message, one refusal.
#[test]
fn words_on_a_refused_message_make_no_message() {
    let hub = log(
        "hub1",
        "10:00:00 smtpd E2F554DAAA: client=out.example.net[192.0.2.10]
         10:00:00 cleanup E2F554DAAA: message-id=<one@example.net>
         10:00:00 !opendmarc E2F554DAAA: strict.example.org fail
         10:00:00 cleanup E2F554DAAA: milter-reject: END-OF-MESSAGE from out.example.net[192.0.2.10]: 5.7.1 rejected by DMARC policy for strict.example.org; from=<ann@example.net> to=<bob@example.com> proto=ESMTP helo=<out.example.net>",
    );
    let story = story(&[("hub1", hub)]);
    assert_eq!((story.told().len(), story.rejections.len()), (0, 1), "{:?}", story.refused());
}

/// Cyrus names no session: its own line and the server's reply are tied by message id, user and time.
#[test]
fn cyrus_stores_what_postfix_hands_over() {
    let mbx = log(
        "mbx1",
        "10:00:00 smtpd 3A1B29E001: client=hub1.example.com[192.0.2.2]
         10:00:00 cleanup 3A1B29E001: message-id=<one@example.net>
         10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:01 !cyrus/lmtpunix Delivered: <one@example.net> to mailbox: user.bob
         10:00:01 lmtp 3A1B29E001: to=<bob@example.com>, relay=mbx1.example.com[/run/cyrus/socket/lmtp], delay=1, delays=0/0/0/1, dsn=2.1.5, status=sent (250 2.1.5 Ok SESSIONID=<cyrus-1772445601-100-1-123>)
         10:00:01 qmgr 3A1B29E001: removed",
    );
    let story = story(&[("mbx1", mbx)]);
    assert_eq!(story.told(), ["mail <ann@example.net> mbx1:3A1B29E001 message id>mbx1:- | bob@example.com delivered"]);
    assert_eq!(story.only().steps.iter().map(|step| step.counts.local_routing).sum::<u64>(), 1);
}
