//! What OpenSMTPD's lines come to, in each of its three grammars. The older two are written after the server's source.

use vigie_model::{Arrival, Direction, MailClass};
use vigie_testkit::{
    Reading,
    corpus::{self, Corpus},
    log, story,
};

fn mail(host: &str, short: &str) -> String {
    let tagged: Vec<String> = short
        .lines()
        .map(str::trim_start)
        .filter_map(|line| line.split_once(' ').map(|(time, rest)| format!("{time} !smtpd {rest}")))
        .collect();
    log(host, &tagged.join("\n"))
}

const TODAY: &str = r#"10:00:00 0905aa85f3467cf6 smtp connected address=192.0.2.60 host=out1.example.net
    10:00:00 0905aa85f3467cf6 smtp message msgid=d33ed127 size=1102 nrcpt=2 proto=ESMTP
    10:00:00 0905aa85f3467cf6 smtp envelope evpid=d33ed127140681f8 from=<ann@example.net> to=<sales@example.com>
    10:00:00 0905aa85f3467cf6 smtp envelope evpid=d33ed127140681f9 from=<ann@example.net> to=<out@example.org>
    10:00:00 0905aa85f3467cf6 smtp disconnected reason=quit
    10:00:01 0905aa831a767c06 mda delivery evpid=d33ed127716ce70d from=<ann@example.net> to=<bob@example.com> rcpt=<sales@example.com> user=mail delay=1s result=Ok stat=Delivered
    10:00:01 0905aa831a767c07 mta delivery evpid=d33ed127140681f9 from=<ann@example.net> to=<out@example.org> rcpt=<-> source="192.0.2.4" relay="192.0.2.50 (mx.example.org)" delay=1s result="TempFail" stat="450 4.2.0 try again"
    10:30:01 0905aa831a767c08 mta delivery evpid=d33ed127140681f9 from=<ann@example.net> to=<out@example.org> rcpt=<-> source="192.0.2.4" relay="192.0.2.50 (mx.example.org)" delay=30m1s result="Ok" stat="250 ok""#;

const OF_6_0: &str = r#"10:00:00 0905aa85f3467cf6 smtp event=connected address=192.0.2.60 host=out1.example.net
    10:00:00 0905aa85f3467cf6 smtp event=message msgid=d33ed127 from=<ann@example.net> to=<sales@example.com> size=1102 ndest=1 proto=ESMTP
    10:00:00 0905aa85f3467cf6 smtp event=message msgid=d33ed127 from=<ann@example.net> to=<out@example.org> size=1102 ndest=1 proto=ESMTP
    10:00:00 0905aa85f3467cf6 smtp event=closed reason=quit
    10:00:01 0905aa831a767c06 mda event=delivery evpid=d33ed127716ce70d from=<ann@example.net> to=<bob@example.com> rcpt=<sales@example.com> user=mail method=maildir delay=1s result=Ok stat=Delivered
    10:00:01 0905aa831a767c07 mta event=delivery evpid=d33ed127140681f9 from=<ann@example.net> to=<out@example.org> rcpt=<-> source="192.0.2.4" relay="192.0.2.50 (mx.example.org)" delay=1s result="TempFail" stat="450 4.2.0 try again"
    10:30:01 0905aa831a767c08 mta event=delivery evpid=d33ed127140681f9 from=<ann@example.net> to=<out@example.org> rcpt=<-> source="192.0.2.4" relay="192.0.2.50 (mx.example.org)" delay=30m1s result="Ok" stat="250 ok""#;

const OF_5: &str = "10:00:00 smtp-in: New session 0905aa85f3467cf6 from host out1.example.net [192.0.2.60]
    10:00:00 smtp-in: Accepted message d33ed127 on session 0905aa85f3467cf6: from=<ann@example.net>, to=<sales@example.com>, size=1102, ndest=1, proto=ESMTP
    10:00:00 smtp-in: Accepted message d33ed127 on session 0905aa85f3467cf6: from=<ann@example.net>, to=<out@example.org>, size=1102, ndest=1, proto=ESMTP
    10:00:00 smtp-in: Closing session 0905aa85f3467cf6
    10:00:01 delivery: Ok for d33ed127716ce70d: from=<ann@example.net>, to=<bob@example.com>, rcpt=<sales@example.com>, user=mail, method=maildir, delay=1s, stat=Delivered
    10:00:01 relay: TempFail for d33ed127140681f9: session=0905aa831a767c07, from=<ann@example.net>, to=<out@example.org>, rcpt=<->, source=192.0.2.4, relay=192.0.2.50 (mx.example.org), delay=1s, stat=450 4.2.0 try again
    10:30:01 relay: Ok for d33ed127140681f9: session=0905aa831a767c08, from=<ann@example.net>, to=<out@example.org>, rcpt=<->, source=192.0.2.4, relay=192.0.2.50 (mx.example.org), delay=30m1s, stat=250 ok";

/// The same message in the words of each version comes to the same.
#[test]
fn three_grammars_one_story() {
    for lines in [TODAY, OF_6_0, OF_5] {
        let story = story(&[("mx1", mail("mx1", lines))]);
        assert_eq!(story.unknown, Vec::<String>::new());
        assert_eq!(
            story.told(),
            [
                "mail <ann@example.net> mx1:d33ed127 | bob@example.com (sales@example.com) delivered; out@example.org delivered"
            ]
        );
        let journey = story.only();
        assert_eq!(
            (&*journey.client_ip, &*journey.client_name, journey.arrival),
            ("192.0.2.60", "out1.example.net", Arrival::Server)
        );
        assert_eq!((journey.size, journey.closed, story.attempts.len()), (Some(1102), true, 1));
        assert_eq!(journey.deliveries[1].attempts, 2);
    }
}

/// The line that names the client may come after those that need it.
#[test]
fn a_session_told_late() {
    let mut lines: Vec<&str> = TODAY.lines().collect();
    lines.rotate_left(1);
    let story = story(&[("mx1", mail("mx1", &lines.join("\n").replace("10:00:0", "10:30:0")))]);
    assert_eq!((&*story.only().client_ip, story.only().arrival), ("192.0.2.60", Arrival::Server));
}

#[test]
fn a_user_who_logged_in_for_the_second_message() {
    let lines = "10:00:00 0905aa85f3467cf6 smtp connected address=192.0.2.70 host=pc1.example.com
        10:00:01 0905aa85f3467cf6 smtp message msgid=d33ed127 size=1102 nrcpt=1 proto=ESMTP
        10:00:03 0905aa85f3467cf6 smtp authentication user=ann result=ok
        10:00:05 0905aa85f3467cf6 smtp message msgid=d33ed128 size=1102 nrcpt=1 proto=ESMTP";
    let story = story(&[("mx1", mail("mx1", lines))]);
    let came: Vec<_> =
        story.journeys.iter().map(|journey| (&*journey.user, journey.arrival, &*journey.client_ip)).collect();
    assert_eq!(came, [("", Arrival::Server, "192.0.2.70"), ("ann", Arrival::User, "192.0.2.70")]);
}

/// A notice comes in by the control socket; the log does not say which message it is about.
#[test]
fn a_bounce_is_a_message_of_the_server() {
    let lines = "10:00:00 0905aa85f3467cf6 smtp connected address=local host=mx1.example.com
        10:00:00 0905aa85f3467cf6 smtp message msgid=d33ed127 size=1102 nrcpt=1 proto=ESMTP
        10:00:00 0905aa85f3467cf6 smtp envelope evpid=d33ed127140681f8 from=<> to=<ann@example.com>
        10:00:01 0905aa831a767c06 mda delivery evpid=d33ed127140681f8 from=<> to=<ann@example.com> rcpt=<ann@example.com> user=mail delay=1s result=Ok stat=Delivered";
    let story = story(&[("mx1", mail("mx1", lines))]);
    assert_eq!((story.only().class, story.only().arrival), (MailClass::Bounce, Arrival::Local));
    assert_eq!(story.only().deliveries[0].direction, Direction::Internal);
}

/// A filter takes the message and gives it back: the reply names the second id, and the host counts once.
#[test]
fn a_message_that_comes_back_from_a_filter() {
    let lines = r#"10:00:00 0905aa85f3467cf6 smtp connected address=192.0.2.60 host=out1.example.net
        10:00:00 0905aa85f3467cf6 smtp message msgid=d33ed127 size=1102 nrcpt=1 proto=ESMTP
        10:00:00 0905aa85f3467cf6 smtp envelope evpid=d33ed127140681f8 from=<ann@example.net> to=<bob@example.com>
        10:00:01 0905aa85f3467d00 smtp connected address=127.0.0.1 host=localhost
        10:00:01 0905aa85f3467d00 smtp message msgid=f6e94209 size=1300 nrcpt=1 proto=ESMTP
        10:00:01 0905aa85f3467d00 smtp envelope evpid=f6e94209140681f8 from=<ann@example.net> to=<bob@example.com>
        10:00:01 0905aa831a767c07 mta delivery evpid=d33ed127140681f8 from=<ann@example.net> to=<bob@example.com> rcpt=<-> source="127.0.0.1" relay="127.0.0.1 (localhost)" delay=1s result="Ok" stat="250 2.0.0: f6e94209 Message accepted for delivery"
        10:00:02 0905aa831a767c06 mda delivery evpid=f6e94209140681f8 from=<ann@example.net> to=<bob@example.com> rcpt=<bob@example.com> user=mail delay=1s result=Ok stat=Delivered"#;
    let story = story(&[("mx1", mail("mx1", lines))]);
    assert_eq!(story.told(), ["mail <ann@example.net> mx1:d33ed127 reply>mx1:f6e94209 | bob@example.com delivered"]);
    let counts: Vec<_> = story
        .only()
        .steps
        .iter()
        .map(|s| (s.counts.received_from_servers, s.counts.sent_to_servers, s.counts.local_routing))
        .collect();
    assert_eq!(counts, [(1, 0, 0), (0, 0, 1)]);
}

/// Trap 33: removed by hand, and given up, are the queue's own lines.
#[test]
fn envelopes_that_were_removed_and_that_expired() {
    let lines = "10:00:00 0905aa85f3467cf6 smtp message msgid=d33ed127 size=1102 nrcpt=2 proto=ESMTP
        10:00:00 0905aa85f3467cf6 smtp envelope evpid=d33ed127140681f8 from=<ann@example.com> to=<a@example.net>
        10:00:00 0905aa85f3467cf6 smtp envelope evpid=d33ed127140681f9 from=<ann@example.com> to=<b@example.net>
        11:00:00 relay: Remove for d33ed127140681f8: from=<ann@example.com>, to=<a@example.net>, rcpt=<->, delay=1h, stat=Removed by administrator
        12:00:00 relay: Expire for d33ed127140681f9: from=<ann@example.com>, to=<b@example.net>, rcpt=<->, delay=2h, stat=Envelope expired";
    let story = story(&[("mx1", mail("mx1", lines))]);
    assert_eq!(story.told(), ["mail <ann@example.com> mx1:d33ed127 | a@example.net deleted; b@example.net expired"]);
    assert!(story.only().closed);
}

/// Postfix hands over to OpenSMTPD, and OpenSMTPD to Sendmail: each reply is in the next server's words.
#[test]
fn a_path_through_three_servers() {
    let edge = log(
        "edge1",
        "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.60]
         10:00:00 cleanup 3A1B29E001: message-id=<1@example.net>
         10:00:00 qmgr 3A1B29E001: from=<ann@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:01 smtp 3A1B29E001: to=<bob@example.com>, relay=mx1[192.0.2.2]:25, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 d33ed127 Message accepted for delivery)
         10:00:01 qmgr 3A1B29E001: removed",
    );
    let middle = mail(
        "mx1",
        r#"10:00:01 0905aa85f3467cf6 smtp message msgid=d33ed127 size=1102 nrcpt=1 proto=ESMTP
           10:00:01 0905aa85f3467cf6 smtp envelope evpid=d33ed127140681f8 from=<ann@example.net> to=<bob@example.com>
           10:00:02 0905aa831a767c07 mta delivery evpid=d33ed127140681f8 from=<ann@example.net> to=<bob@example.com> rcpt=<-> source="192.0.2.2" relay="192.0.2.3 (mbx1)" delay=1s result="Ok" stat="250 2.0.0 0AM4xQ85021802 Message accepted for delivery""#,
    );
    let last = log(
        "mbx1",
        "10:00:02 !sm-mta 0AM4xQ85021802: from=<ann@example.net>, size=1739, class=0, nrcpts=1, msgid=<1@example.net>, proto=ESMTP, daemon=MTA, relay=mx1 [192.0.2.2]
         10:00:03 !sm-mta 0AM4xQ85021802: to=<bob@example.com>, delay=00:00:01, xdelay=00:00:00, mailer=local, pri=1, dsn=2.0.0, stat=Sent",
    );
    assert_eq!(
        story(&[("edge1", edge), ("mx1", middle), ("mbx1", last)]).told(),
        [
            "mail <ann@example.net> edge1:3A1B29E001 reply>mx1:d33ed127 reply>mbx1:0AM4xQ85021802 | bob@example.com delivered"
        ]
    );
}

/// Lines of a real server: what was sent stands in the corpus' README.
#[test]
fn a_filter_a_removal_and_an_expiry_of_a_real_server() {
    let corpus = Corpus::load(&corpus::testdata().join("opensmtpd/filter"));
    let mut reading = Reading::of(&corpus.hosts());
    corpus.lines().iter().flatten().for_each(|line| reading.line(line));
    let story = reading.story();
    assert_eq!(story.unknown, Vec::<String>::new());
    let told: Vec<String> = story.told().into_iter().map(|line| line.replace("opensmtpd1:", "")).collect();
    assert_eq!(
        told,
        [
            "mail <orders@partner.example.net> 82ffa062 reply>463ae560 | sales1@example.com delivered",
            "mail <orders@partner.example.net> 744fe069 reply>8323b5ac | frontdesk@example.com delivered; \
             sales1@example.com (sales@example.com) delivered; sales2@example.com (sales@example.com) delivered; \
             sales3@example.com (sales@example.com) delivered",
            "mail <ops1@example.com> fb5efb44 | client@partner.example.net delivered",
            "mail <ops1@example.com> de8cb52e | r550-a@partner.example.net bounced",
            "mail <ops1@example.com> 60bfda3e | gone@dead.example.net expired",
            "mail <ops1@example.com> 0396a833 | x@slow.example.net deleted",
            "mail <orders@partner.example.net> 0dc14deb | pipe@again.example.com expired",
            "bounce <> 8d92a8e1 | ops1@example.com delivered",
            "bounce <> 92473df1 | orders@partner.example.net delivered",
            "bounce <> f0138f66 | ops1@example.com delivered",
        ]
    );
    let local = |at: usize| story.journeys[at].arrival == Arrival::Local;
    assert_eq!(
        (local(0), local(7), local(8), local(9)),
        (false, true, true, true),
        "notices come by the control socket"
    );
    assert!(story.journeys.iter().all(|journey| journey.closed));
    assert_eq!(story.rejections, []);
}
