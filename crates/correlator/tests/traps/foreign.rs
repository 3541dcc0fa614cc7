//! Lines of other programs in the same log. Traps 22 and 35.

use vigie_testkit::{log, story};

/// Trap 22.
#[test]
fn foreign_lines_are_silent() {
    let hub = log(
        "hub1",
        "10:00:00 !CRON (root) CMD (test -x /usr/sbin/anacron || run-parts /etc/cron.daily)
         10:00:00 !kernel [12345.678901] eth0: link up
         10:00:00 !sshd Failed password for root from 192.0.2.66 port 4321 ssh2
         10:00:00 !systemd Started Postfix Mail Transport Agent.
         10:00:00 !opendkim 3A1B29E001: DKIM-Signature field added (s=mail, d=example.com)
         10:00:00 !opendmarc 3A1B29E001: example.net pass
         10:00:00 !policyd-spf Pass; identity=mailfrom; client-ip=192.0.2.10; helo=out.example.net; envelope-from=ann@example.net; receiver=bob@example.com
         10:00:00 !postgrey action=pass, reason=client whitelist, client_name=out.example.net, client_address=192.0.2.10, recipient=bob@example.com
         10:00:00 !postsrsd srs_forward: <ann@example.net> rewritten as <SRS0=a=b=example.net=ann@example.com>
         10:00:00 !dovecot imap-login: Login: user=<bob>, method=PLAIN, rip=192.0.2.30, lip=192.0.2.2, mpid=123, TLS, session=<abc>
         10:00:00 !spamd spamd: result: . -1 - BAYES_00 scantime=0.4,size=1200,user=bob,mid=<one@example.net>
         10:00:00 !clamd SelfCheck: Database status OK.
         10:00:00 !haproxy/frontend to=<x>, relay=none, status=sent (no mail)
         10:00:00 !app/worker 3A1B29E001: removed",
    );
    let story = story(&[("hub1", hub)]);
    assert_eq!((story.told(), story.refused()), (Vec::new(), Vec::new()));
    assert_eq!(story.unknown, Vec::<String>::new(), "not ours, and no puzzle either");
    assert_eq!(story.understood, 3, "OpenDKIM, OpenDMARC and spamd, on no message that is here");
    assert_eq!((story.hops.len(), story.aborted), (0, 0));
}

/// Trap 22: what Postfix says beside the life of messages.
#[test]
fn postfix_chatter_is_known() {
    let hub = log(
        "hub1",
        "10:00:00 smtpd connect from unknown[192.0.2.66]
         10:00:00 smtpd warning: hostname h.example.net does not resolve to address 192.0.2.66
         10:00:00 smtpd warning: unknown[192.0.2.66]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=bob
         10:00:00 smtpd lost connection after AUTH from unknown[192.0.2.66]
         10:00:00 smtpd timeout after END-OF-MESSAGE from h.example.net[192.0.2.10]
         10:00:00 smtpd too many errors after RCPT from h.example.net[192.0.2.10]
         10:00:00 smtpd improper command pipelining after DATA from h.example.net[192.0.2.10]: .\\r\\n
         10:00:00 smtpd Anonymous TLS connection established from h.example.net[192.0.2.10]: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)
         10:00:00 smtpd SSL_accept error from h.example.net[192.0.2.10]: lost connection
         10:00:00 smtpd disconnect from h.example.net[192.0.2.10] ehlo=1 quit=1 commands=2
         10:00:00 anvil statistics: max connection rate 1/60s for (smtp:192.0.2.66) at Mar  2 09:57:00
         10:00:00 scache statistics: start interval Mar  2 09:57:00
         10:00:00 postscreen CONNECT from [192.0.2.66]:51234 to [192.0.2.1]:25
         10:00:00 postscreen PASS NEW [192.0.2.66]:51234
         10:00:00 postscreen PREGREET 11 after 0.07 from [192.0.2.66]:51234: EHLO User\\r\\n
         10:00:00 postscreen HANGUP after 0.2 from [192.0.2.66]:51234 in tests after SMTP handshake
         10:00:00 tlsproxy CONNECT from [192.0.2.66]:51234
         10:00:00 smtp Untrusted TLS connection established to mx.example.com[192.0.2.80]:25: TLSv1.2 with cipher ECDHE-RSA-AES128-GCM-SHA256 (128/128 bits)
         10:00:00 smtp connect to mx.example.com[2001:db8::80]:25: Network is unreachable
         10:00:00 master daemon started -- version 3.7.11, configuration /etc/postfix
         10:00:00 qmgr warning: mail for [127.0.0.1]:10024 is using up 4001 of 5001 active queue entries
         10:00:00 trivial-rewrite warning: do not list domain example.com in BOTH virtual_alias_domains and relay_domains
         10:00:00 postfix-script refreshing the Postfix mail system
         10:00:00 postsuper Deleted: 2 messages
         10:00:00 postsuper Requeued: 1 message
         10:00:00 postsuper Placed on hold: 1 message
         10:00:00 postsuper Released from hold: 1 message",
    );
    let story = story(&[("hub1", hub)]);
    assert_eq!((story.told(), story.unknown), (Vec::new(), Vec::<String>::new()));
}

/// Trap 22: a Postfix line that nobody knows is no error, and no guess: it is counted as unknown.
#[test]
fn an_unknown_postfix_line_is_counted() {
    let hub = log("hub1", "10:00:00 smtpd an entirely new sentence\n10:00:00 qmgr 3A1B29E001: an entirely new fate");
    let story = story(&[("hub1", hub)]);
    assert_eq!((story.told().len(), story.unknown.len()), (0, 2));
}

/// Trap 35: lines that were dropped are told by the logger. They are read without complaint, as lines of another program;
/// no gap is counted yet.
#[test]
fn rate_limit_message_of_journald_is_a_known_gap() {
    let hub = log(
        "hub1",
        "10:00:00 !systemd-journald Suppressed 1234 messages from postfix@-.service
         10:00:00 !rsyslogd imuxsock[pid 77]: begin to drop messages due to rate-limiting
         10:00:00 !rsyslogd imuxsock lost 55 messages from pid 77 due to rate-limiting
         10:00:00 !rsyslogd rsyslogd[internal_messages]: 12 messages lost due to rate-limiting (500 allowed within 5 seconds)",
    );
    let story = story(&[("hub1", hub)]);
    assert_eq!((story.lines, story.understood, story.unknown.len()), (4, 0, 0));
}

/// Lines of a message that lacks some (trap 35): what is left is still told.
#[test]
fn a_message_of_which_lines_were_dropped() {
    let hub = log(
        "hub1",
        "10:00:00 smtpd 3A1B29E001: client=out.example.net[192.0.2.10]
         10:00:01 smtp 3A1B29E001: to=<bob@example.com>, relay=mx.example.com[192.0.2.80]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 Ok)
         10:00:02 qmgr 4B1B29E003: from=<eve@example.net>, size=1200, nrcpt=1 (queue active)
         10:00:03 qmgr 4B1B29E003: removed",
    );
    assert_eq!(
        story(&[("hub1", hub)]).told(),
        ["mail <> hub1:3A1B29E001 | bob@example.com delivered", "mail <eve@example.net> hub1:4B1B29E003 | "]
    );
}
