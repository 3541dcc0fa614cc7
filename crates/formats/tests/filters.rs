//! The lines of filters and policy daemons, in the words of their versions. Lines of amavis 2.13, OpenDKIM 2.11, OpenDMARC 1.4.2,
//! Postgrey 1.37, policyd-spf 3.0.4 and Rspamd 3.4 stand in the captured logs of `testdata/`; the others follow the sources that are named.

use vigie_formats::{
    Record,
    envelope::{self, Scratch},
    filter::Verdict,
    read,
};
use vigie_model::{Outcome, QueueId};

fn id(text: &str) -> QueueId {
    QueueId::new(text.as_bytes()).expect("an id")
}

/// Reads a line of that program.
fn read_of<T>(program: &str, text: &str, check: impl FnOnce(&Record<'_>) -> T) -> T {
    let line = format!("Mar  2 10:00:00 h {program}[7]: {text}");
    let mut scratch = Scratch::default();
    check(&read(&envelope::parse(line.as_bytes(), &mut scratch).expect("an envelope")))
}

fn verdict<T>(program: &str, text: &str, check: impl FnOnce(&Verdict<'_>) -> T) -> T {
    read_of(program, text, |record| match record {
        Record::Filter(verdict) => check(verdict),
        other => panic!("{text}: {other:?}"),
    })
}

/// Queue id and words: `3A1B29E001 amavis CLEAN -1.9`.
fn told(program: &str, text: &str) -> String {
    verdict(program, text, |verdict| {
        let id = verdict.queue_id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        format!("{id} {}", String::from_utf8_lossy(&verdict.text()))
    })
}

fn is_known(program: &str, text: &str) -> bool {
    read_of(program, text, |record| matches!(record, Record::Known))
}

/// Trap 18: one recipient of two was kept from it, and the actions of both stand in both lines.
#[test]
fn amavis_blocks_for_one_recipient_and_passes_for_the_other() {
    let actions = "{DiscardedInbound,RelayedTaggedInbound,Quarantined}, [192.0.2.10]:40821 [192.0.2.10] <ann@partner.example.net>";
    let keys = "quarantine: spam-76TQ1NtML4wX, Queue-ID: 3FB237D, Message-ID: <fl-020.after@partner.example.net>, mail_id: 76TQ1NtML4wX, Hits: 1002.301, size: 743";
    verdict("amavis", &format!("(00102-12) Blocked SPAM {actions} -> <bob@example.com>, {keys}, 145 ms"), |blocked| {
        assert_eq!((blocked.queue_id, blocked.fate), (Some(id("3FB237D")), Some(Outcome::Filtered)));
        assert_eq!(blocked.recipients.collect::<Vec<_>>(), [b"bob@example.com"]);
        assert_eq!(blocked.text(), b"amavis SPAM 1002.301 quarantined");
        assert!(blocked.requeued_as.is_empty());
    });
    let passed = format!("(00102-12) Passed SPAM {actions} -> <lover@example.com>, {keys}, queued_as: 7A76F80, 145 ms");
    verdict("amavis", &passed, |passed| {
        assert_eq!((passed.fate, &passed.requeued_as[..]), (None, &[id("7A76F80")][..]));
        assert_eq!(passed.message_id, b"<fl-020.after@partner.example.net>");
    });
}

/// Trap 11: before the queue there is no queue id, or a zero; what it was queued as ties it to a message.
#[test]
fn amavis_before_the_queue_knows_only_what_became_of_it() {
    for queue_id in ["", ", Queue-ID: 0", ", Queue-ID: NOQUEUE"] {
        let line = format!(
            "(00292-02) Passed CLEAN {{RelayedInbound}}, [192.0.2.10]:47729 [192.0.2.10] <ann@partner.example.net> -> <bob0@example.com>{queue_id}, Message-ID: <fl-001.before@partner.example.net>, mail_id: aQf4qUzhm9ml, Hits: 1.3, size: 679, queued_as: E439F35, 286 ms"
        );
        verdict("amavis", &line, |verdict| {
            assert_eq!((verdict.queue_id, &verdict.requeued_as[..]), (None, &[id("E439F35")][..]), "{queue_id}");
            assert_eq!(verdict.text(), b"amavis CLEAN 1.3");
        });
    }
}

/// Categories and actions of `$log_short_templ`, `$log_verbose_templ` and older templates (Amavis.pm).
#[test]
fn amavis_words_of_all_versions() {
    let rest = "[192.0.2.10] <a@b.example> -> <c@d.example>, Queue-ID: 3A1B29E001, Message-ID: <m@b.example>, mail_id: x-Y_z, Hits: -, size: 1, 9 ms";
    for (begin, words, fate) in [
        ("Passed CLEAN {RelayedInbound},", "amavis CLEAN", None),
        ("Passed CLEAN, LOCAL", "amavis CLEAN", None),
        ("Passed SPAMMY {RelayedTaggedInbound},", "amavis SPAMMY", None),
        ("Passed BAD-HEADER-7 {RelayedInbound,Quarantined},", "amavis BAD-HEADER quarantined", None),
        ("Passed UNCHECKED-ENCRYPTED {RelayedOutbound},", "amavis UNCHECKED-ENCRYPTED", None),
        ("Passed OVERSIZED {RelayedInternal},", "amavis OVERSIZED", None),
        ("Blocked MTA-BLOCKED {TempFailedInbound},", "amavis MTA-BLOCKED", Some(Outcome::Filtered)),
        (
            "Blocked INFECTED (Eicar-Signature) {DiscardedInbound,Quarantined},",
            "amavis INFECTED (Eicar-Signature) quarantined",
            Some(Outcome::Filtered),
        ),
        (
            "Blocked BANNED (multipart/mixed | application/x-msdownload,.exe,tool.exe) {BouncedInbound,Quarantined},",
            "amavis BANNED (multipart/mixed | application/x-msdownload,.exe,tool.exe) quarantined",
            Some(Outcome::Bounced),
        ),
        ("Blocked SPAM {NoBounceInbound,Quarantined},", "amavis SPAM quarantined", Some(Outcome::Filtered)),
    ] {
        verdict("amavisd-new", &format!("(01234-05-3) {begin} {rest}"), |verdict| {
            assert_eq!(String::from_utf8_lossy(&verdict.text()), words);
            assert_eq!((verdict.queue_id, verdict.fate), (Some(id("3A1B29E001")), fate), "{begin}");
        });
    }
    let verbose = "(01234-05) Passed CLEAN {RelayedInbound}, [192.0.2.10]:3333 [192.0.2.10] ESMTP/ESMTP <a@b.example> -> <c@d.example>, (ESMTPS://[192.0.2.10]:3333), tls: TLSv1.3, Queue-ID: 3A1B29E001, Message-ID: <m@b.example>, mail_id: x, b: aBcDeFgHi, Hits: -1.9, size: 1180, queued_as: 4B1B29E003/5C1B29E004, Subject: \"Hello, Queue-ID: FFFFFF\", From: A_<a@b.example>, helo=b.example, Tests: [AWL=0.1,BAYES_00=-1.9], autolearn=ham, dkim_sd=sel:b.example, 950 ms";
    verdict("amavis", verbose, |verdict| {
        assert_eq!((verdict.queue_id, verdict.text()), (Some(id("3A1B29E001")), b"amavis CLEAN -1.9".to_vec()));
        assert_eq!(verdict.requeued_as, [id("4B1B29E003"), id("5C1B29E004")]);
    });
    // `$log_recip_templ`: no queue id, and no recipient where it was blocked.
    let by_recipient = "(00102-06) Blocked BANNED (application/octet-stream,tool.exe), <ann@partner.example.net> -> , Hits: -, tag=-999, tag2=6, kill=6, L/Y/0/0";
    assert_eq!(told("amavis", by_recipient), "- amavis BANNED (application/octet-stream,tool.exe)");
    assert!(is_known("amavis", "(00102-06) (!)PRESERVING EVIDENCE in /var/lib/amavis/tmp/amavis-1"));
    assert!(is_known(
        "amavis",
        "starting. /usr/sbin/amavisd at mx1.example.com amavis-2.13.0 (20230106), Unicode aware"
    ));
}

/// Amavis cuts its lines at 980 bytes: the name stands in one, the queue ids in the next.
#[test]
fn amavis_long_line_in_two_parts() {
    let first = "(00096-07) Passed CLEAN {RelayedInbound}, [192.0.2.10]:36425 [192.0.2.10] <ann@partner.example.net> -> <member00@example.com>,<member21.of.a.long.list.0@example...";
    let second = "(00096-07) ....com>,<member29@example.com>, Queue-ID: 0B77961, Message-ID: <fl-009.after@partner.example.net>, mail_id: ellfEjjBvtai, Hits: 1.3, size: 792, queued_as: 509E764, 154 ms";
    verdict("amavis", first, |part| {
        assert_eq!((part.tag, part.queue_id, part.text()), (&b"00096-07"[..], None, b"amavis CLEAN".to_vec()));
    });
    verdict("amavis", second, |part| {
        assert_eq!((part.tag, part.queue_id), (&b"00096-07"[..], Some(id("0B77961"))));
        assert_eq!((part.text(), &part.requeued_as[..]), (Vec::new(), &[id("509E764")][..]));
    });
}

/// A sender writes both address and message id, and may imitate what follows them.
#[test]
fn amavis_keys_in_an_address_and_in_a_message_id_are_not_its_own() {
    let line = r#"(1-1) Passed CLEAN {RelayedInbound}, <"x -> y, Queue-ID: FFFFFF1, "@b.example> -> <"c, Queue-ID: FFFFFF2, "@d.example>,<e@d.example>, Queue-ID: 3A1B29E001, Message-ID: <a, queued_as: FFFFFF3, mail_id: x@b.example>, mail_id: real, Hits: 0.1, size: 1, queued_as: 4B1B29E003, 9 ms"#;
    verdict("amavis", line, |verdict| {
        assert_eq!((verdict.queue_id, &verdict.requeued_as[..]), (Some(id("3A1B29E001")), &[id("4B1B29E003")][..]));
        assert_eq!(verdict.message_id, b"<a, queued_as: FFFFFF3, mail_id: x@b.example>");
    });
}

/// `[:report_json]` in the template (`structured_report` in Amavis.pm).
#[test]
fn amavis_report_as_json() {
    let report = r#"(1-1) {"action":["DISCARD"],"actions_performed":"DiscardedInbound Quarantined","content_type":"Spam","mail_id":"x","message_id":"<m@b.example>","queue_id":"3A1B29E001","spam_score":22.250,"recipients":[{"action":"DISCARD"}]}"#;
    verdict("amavis", report, |verdict| {
        assert_eq!(
            (verdict.queue_id, verdict.text()),
            (Some(id("3A1B29E001")), b"amavis Spam 22.250 quarantined".to_vec())
        );
        assert_eq!(verdict.fate, Some(Outcome::Filtered));
    });
    assert!(is_known("amavis", "(1-1) {not json"));
}

#[test]
fn rspamd_actions_by_syslog() {
    for (result, words) in [
        ("(default: T (reject): [17.50/15.00] [GTUBE(0.00){}]), len: 900", "rspamd reject 17.50/15.00"),
        (
            "(default: F (no action): [-0.10/15.00] [MIME_GOOD(-0.10){text/plain;}]), len: 457",
            "rspamd no action -0.10/15.00",
        ),
        ("(default: T (add header): [7.50/15.00] [X(0.00){}]), len: 1", "rspamd add header 7.50/15.00"),
        ("(default: F (greylist): [4.00/15.00] []), len: 1", "rspamd greylist 4.00/15.00"),
        ("(default: F (soft reject): [0.00/15.00] []), len: 1", "rspamd soft reject 0.00/15.00"),
        ("(default: T (rewrite subject): [8.00/15.00] []), len: 1", "rspamd rewrite subject 8.00/15.00"),
        ("(default: S (reject): [nan/15.00] []), len: 1", "rspamd reject nan/15.00"),
        // A format of the site's own.
        ("T (add header) [7.50/15.00] 12ms", "rspamd add header 7.50/15.00"),
    ] {
        let line = format!(
            "<1a2b3c>; proxy; rspamd_task_write_log: id: <m@b.example>, qid: <3A1B29E001>, ip: 192.0.2.10, from: <a@b.example>, {result}"
        );
        assert_eq!(told("rspamd", &line), format!("3A1B29E001 {words}"));
        assert_eq!(told("rspamd_proxy", &line), format!("3A1B29E001 {words}"));
    }
    assert!(is_known("rspamd", "<1a2b3c>; milter; rspamd_milter_process_command: got connection from 192.0.2.1:34496"));
}

/// Rspamd's own file has no host and no tag of syslog.
#[test]
fn rspamd_own_log() {
    let line = b"2026-11-22 07:07:22 #2965(rspamd_proxy) <f1aa24>; proxy; rspamd_task_write_log: id: <SPAM1@partner.example.net>, qid: <37E6D98E43B>, ip: 127.0.72.2, from: <x@partner.example.net>, (default: S (reject): [15.00/15.00] [GTUBE(0.00){}]), len: 508, time: 0.121ms, dns req: 0, digest: <5087a4cd684193277ec46ebf0e5bb6de>, rcpts: <helpdesk@example.com>, mime_rcpts: <helpdesk@example.com>, forced: reject \"Gtube pattern\"; score=15.00 (set by GTUBE)";
    let mut scratch = Scratch::default();
    match read(&envelope::parse(line, &mut scratch).expect("an envelope")) {
        Record::Filter(verdict) => {
            assert_eq!(
                (verdict.queue_id, verdict.text()),
                (Some(id("37E6D98E43B")), b"rspamd reject 15.00/15.00".to_vec())
            );
            assert_eq!(verdict.message_id, b"<SPAM1@partner.example.net>");
        }
        other => panic!("{other:?}"),
    }
    let foreign = b"2026-11-22 07:07:22 #general talk (of no process)";
    assert_eq!(read(&envelope::parse(foreign, &mut scratch).expect("an envelope")), Record::Foreign);
}

/// Where the format has no queue id, another line of the task has it.
#[test]
fn rspamd_lines_of_one_task_have_one_tag() {
    let parsed = "<f1aa24>; proxy; rspamd_message_parse: loaded message; id: <SPAM1@partner.example.net>; queue-id: <37E6D98E43B>; size: 508; checksum: <5087a4cd684193277ec46ebf0e5bb6de>";
    verdict("rspamd", parsed, |parsed| {
        assert_eq!((parsed.queue_id, parsed.tag, parsed.text()), (Some(id("37E6D98E43B")), &b"f1aa24"[..], Vec::new()));
    });
    let result = "<f1aa24>; task; rspamd_task_write_log: id: <SPAM1@partner.example.net>, from: <x@b.example>, (default: S (reject): [15.00/15.00] [])";
    verdict("rspamd", result, |result| assert_eq!((result.queue_id, result.tag), (None, &b"f1aa24"[..])));
}

#[test]
fn rspamd_message_id_does_not_choose_the_queue_id() {
    let line = "<1a2b3c>; proxy; rspamd_task_write_log: id: <x>, qid: <FFFFFF1>, y@b.example>, qid: <3A1B29E001>, ip: 192.0.2.10, (default: T (reject): [17.50/15.00] [])";
    assert_eq!(told("rspamd", line), "3A1B29E001 rspamd reject 17.50/15.00");
}

/// `metadata_exporter` with its `json` formatter.
#[test]
fn rspamd_metadata_by_syslog() {
    let line = r#"{"qid":"D2707A34389","action":"add header","score":7.5,"subject":"a \"b\"","symbols":[{"name":"X","score":1}]}"#;
    assert_eq!(told("rspamd", line), "D2707A34389 rspamd add header");
    assert!(is_known("rspamd", r#"{"qid":"unknown","action":"reject"}"#));
}

#[test]
fn opendkim_with_and_without_reasons() {
    for (text, words) in [
        ("DKIM verification successful", "dkim pass"),
        ("bad signature data", "dkim fail"),
        ("no signature data", "dkim none"),
        ("s=sel d=example.net SSL error:04091068:rsa routines:INT_RSA_VERIFY:bad signature", "dkim fail example.net"),
        ("DKIM-Signature field added (s=sel, d=example.com)", "dkim signed example.com"),
        (
            "key retrieval failed (s=sel, d=example.net): 'sel._domainkey.example.net' record not found",
            "dkim temperror example.net",
        ),
        (r#"signature=cPn1RqZb domain=example.net selector=sel result="no signature error""#, "dkim pass example.net"),
        (
            r#"signature=cPn1RqZb domain=example.net selector=sel result="signature verification failed""#,
            "dkim fail example.net",
        ),
    ] {
        assert_eq!(told("opendkim", &format!("3A1B29E001: {text}")), format!("3A1B29E001 {words}"));
    }
    for text in [
        "3A1B29E001: out1.example.net [192.0.2.10] not internal",
        "3A1B29E001: not authenticated",
        "3A1B29E001: no signing domain match for 'example.net'",
        // Of a signature that held.
        "3A1B29E001: s=sel d=example.net a=rsa-sha1 SSL ",
        "OpenDKIM Filter v2.11.0 starting (args: -x /etc/opendkim.conf)",
    ] {
        assert!(is_known("opendkim", text), "{text}");
    }
}

#[test]
fn opendmarc_and_its_own_spf() {
    assert_eq!(told("opendmarc", "B2D0345: partner.example.net pass"), "B2D0345 dmarc pass partner.example.net");
    assert_eq!(told("opendmarc", "E2F554D: strict.example.org fail"), "E2F554D dmarc fail strict.example.org");
    assert_eq!(told("opendmarc", "E2F554D: example.org none"), "E2F554D dmarc none example.org");
    assert_eq!(told("opendmarc", "E2F554D: SPF(mailfrom): example.net softfail"), "E2F554D spf softfail example.net");
    assert!(is_known("opendmarc", "ignoring connection from localhost"));
    assert!(is_known("opendmarc", "E2F554D ignoring Authentication-Results at 1 from mx.example.net"));
}

/// policyd-spf knows a queue id from the second recipient on.
#[test]
fn policyd_spf_with_and_without_a_queue_id() {
    let header = "prepend Received-SPF: Pass (mailfrom) identity=mailfrom; client-ip=192.0.2.10; helo=out1.partner.example.net; envelope-from=ann@partner.example.net; receiver=example.com ";
    assert_eq!(told("policyd-spf", &format!("F16983E: {header}")), "F16983E spf pass partner.example.net");
    assert!(is_known("policyd-spf", &format!(": {header}")));
    assert!(is_known("policyd-spf", ": 550 5.7.23 Message rejected due to: SPF fail - not authorized."));
}

/// Trap 10: greylisting is Postfix's refusal, and counts once.
#[test]
fn policy_daemons_say_nothing_of_their_own() {
    let greylisted = "action=greylist, reason=new, client_name=out1.partner.example.net, client_address=192.0.2.10, sender=ann@partner.example.net, recipient=bob@example.com";
    assert!(is_known("postgrey", greylisted) && is_known("postgrey", &format!("F16983E: {greylisted}")));
    assert!(is_known(
        "postsrsd",
        "srs_forward: <ann@example.net> rewritten as <SRS0=abcd=ef=example.net=ann@example.com>"
    ));
    assert!(is_known(
        "milter-greylist",
        "3A1B29E001: addr out1.example.net[192.0.2.10] from <a@b> to <c@d> delayed for 00:05:00 (ACL 80)"
    ));
}

/// spamd.raw: the message id with `_` for what would end it.
#[test]
fn spamd_result_line() {
    let result = |word: &str| {
        format!(
            "spamd: result: {word} - BAYES_00,SPF_PASS scantime=1.2,size=900,user=debian-spamd,uid=113,required_score=5.0,rhost=::1,raddr=::1,rport=34496,mid=<m@b.example>,autolearn=no autolearn_force=no"
        )
    };
    verdict("spamd", &result("Y 15"), |spam| {
        assert_eq!(
            (spam.queue_id, spam.message_id, spam.text()),
            (None, &b"<m@b.example>"[..], b"spamassassin spam 15".to_vec())
        );
    });
    assert_eq!(told("spamd", &result(". -1")), "- spamassassin ham -1");
    assert!(is_known("spamd", "spamd: identified spam (15.0/5.0) for debian-spamd:113 in 1.2 seconds, 900 bytes."));
}

/// clamfi.c, with `LogInfected Full`; without it there is no queue id.
#[test]
fn clamav_milter_by_queue_id() {
    let full = "3A1B29E001 from <a@b.example> to <c@d.example> with subject 'x infected by y' message-id '<m@b.example>' date 'today'";
    assert_eq!(
        told("clamav-milter", &format!("Message {full} infected by Eicar-Test-Signature")),
        "3A1B29E001 clamav infected Eicar-Test-Signature"
    );
    assert_eq!(told("clamav-milter", &format!("Clean message {full}")), "3A1B29E001 clamav clean");
    assert!(is_known("clamav-milter", "Message from <a@b.example> to <c@d.example> infected by Eicar-Test-Signature"));
}

/// MailScanner's `Postfix.pm`: `Requeue: ID to NEWFILE`; short ids and long ones (MailWatch #739).
#[test]
fn mailscanner_requeue_ties_two_files() {
    for (old, new) in [("3A1B29E001.A4F2C", "7C1D29E002"), ("4jXGQ503wXz1Y5Q7.AB12F", "4jXGQ603wXz1Y5Q9")] {
        verdict("MailScanner", &format!("Requeue: {old} to {new}"), |verdict| {
            assert_eq!(verdict.queue_id.map(|id| id.to_string()).as_deref(), old.split('.').next());
            assert_eq!((&verdict.requeued_as[..], verdict.took_away), (&[id(new)][..], true));
        });
    }
    let judged = "Message 3A1B29E001.A4F2C from 192.0.2.10 (ann@example.net) to example.com is";
    assert_eq!(
        told("MailScanner", &format!("{judged} spam, SpamAssassin (not cached, score=8.2, required 6)")),
        "3A1B29E001 mailscanner spam 8.2"
    );
    assert_eq!(
        told("MailScanner", &format!("{judged} not spam, SpamAssassin (score=-1.9, required 6)")),
        "3A1B29E001 mailscanner not spam -1.9"
    );
    assert!(is_known("MailScanner", "Spam Checks: Found 1 spam messages"));
}
