//! Every form of envelope, and lines that are none.

use super::{Scratch, Stamp, parse};

const HOUR: i64 = 3_600_000_000;

/// 2026-03-02T10:00:00Z in microseconds.
const MARCH_2_TEN: i64 = 1_772_445_600_000_000;

#[derive(Debug, PartialEq)]
struct Opened {
    stamp: Stamp,
    host: String,
    program: String,
    pid: u32,
    text: String,
    repeated: u32,
}

fn open(line: impl AsRef<[u8]>) -> Opened {
    let mut scratch = Scratch::default();
    let envelope = parse(line.as_ref(), &mut scratch).expect("an envelope");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Opened {
        stamp: envelope.stamp,
        host: text(envelope.host),
        program: text(envelope.program),
        pid: envelope.pid,
        text: text(envelope.text),
        repeated: envelope.repeated,
    }
}

fn opens(line: impl AsRef<[u8]>) -> bool {
    parse(line.as_ref(), &mut Scratch::default()).is_some()
}

fn local(year: Option<i16>, month: u8, day: u8, micros_of_day: i64) -> Stamp {
    Stamp::Local { year, month, day, micros_of_day }
}

fn is(line: impl AsRef<[u8]>, stamp: Stamp, host: &str, program: &str, pid: u32, text: &str) {
    let expected = Opened { stamp, host: host.into(), program: program.into(), pid, text: text.into(), repeated: 1 };
    assert_eq!(open(line), expected);
}

#[test]
fn rfc3164_with_a_padded_day() {
    is(
        "Mar  2 10:00:00 edge1 postfix/reinject/smtpd[14897]: connect from a[1.2.3.4]",
        local(None, 3, 2, 10 * HOUR),
        "edge1",
        "postfix/reinject/smtpd",
        14897,
        "connect from a[1.2.3.4]",
    );
}

#[test]
fn rfc3164_days_of_two_digits_with_zero_and_of_one_digit() {
    for day in ["Mar 22", "Mar 02", "Mar 2", "Mar  2"] {
        let number = if day.ends_with("22") { 22 } else { 2 };
        is(format!("{day} 00:00:01 h p[1]: t"), local(None, 3, number, 1_000_000), "h", "p", 1, "t");
    }
}

#[test]
fn rfc3164_with_a_fraction() {
    is("Mar  2 10:00:00.25 h p[1]: t", local(None, 3, 2, 10 * HOUR + 250_000), "h", "p", 1, "t");
}

#[test]
fn rfc3164_with_the_year_first_or_inside() {
    for line in ["2026 Nov  2 10:00:00 h p[1]: t", "Nov  2 2026 10:00:00 h p[1]: t", "2026 Nov 02 10:00:00 h p[1]: t"] {
        is(line, local(Some(2026), 11, 2, 10 * HOUR), "h", "p", 1, "t");
    }
}

#[test]
fn the_29th_of_february_is_left_to_the_calendar() {
    is("Feb 29 10:00:00 h p[1]: t", local(None, 2, 29, 10 * HOUR), "h", "p", 1, "t");
    assert!(!opens("2026 Feb 29 10:00:00 h p[1]: t"));
    assert!(opens("2028 Feb 29 10:00:00 h p[1]: t"));
    assert!(!opens("Feb 30 10:00:00 h p[1]: t"));
}

#[test]
fn a_leap_second_is_a_time() {
    is("Dec 31 23:59:60 h p[1]: t", local(None, 12, 31, 24 * HOUR), "h", "p", 1, "t");
}

#[test]
fn dovecots_own_log_has_no_host() {
    // corpora/postfix-chain/file-short/mbx1/dovecot.log.gz
    let at = local(None, 11, 22, 4 * HOUR + 27 * 60_000_000 + 10_000_000);
    is("Nov 22 04:27:10 master: Info: Dovecot v2.3.19.1", at, "", "master", 0, "Info: Dovecot v2.3.19.1");
    is("Nov 22 04:27:10 lmtp(14920): Info: Connect", at, "", "lmtp(14920)", 0, "Info: Connect");
    is(
        "Nov 22 04:27:10 lmtp(helpdesk@example.com)<14920><AEt3Mx5vAmtIOgAATvhV7g:R2>: Info: msgid=<gt11>: saved mail to INBOX",
        at,
        "",
        "lmtp(helpdesk@example.com)<14920><AEt3Mx5vAmtIOgAATvhV7g:R2>",
        0,
        "Info: msgid=<gt11>: saved mail to INBOX",
    );
    is("Nov 22 04:27:10 lmtp(a b)<1><x>: Info: m", at, "", "lmtp(a b)<1><x>", 0, "Info: m");
}

#[test]
fn dovecots_own_log_with_iso_times() {
    // corpora/dovecot-repl/run1/a-dovecot.log
    let at = local(Some(2026), 11, 22, 4 * HOUR + 37 * 60_000_000);
    is("2026-11-22 04:37:00 lmtp(390): Info: Connect", at, "", "lmtp(390)", 0, "Info: Connect");
    is("2026-11-22 04:37:00 imap-login: Info: Bye", at, "", "imap-login", 0, "Info: Bye");
    is("2026-11-22 04:37:00 lmtp(a b)<1><x>: Info: m", at, "", "lmtp(a b)<1><x>", 0, "Info: m");
}

#[test]
fn dovecot_over_syslog_keeps_its_inner_tag_in_the_text() {
    is(
        "Nov 22 00:00:00 mbx1 dovecot: lmtp(a b)<1><x>: msgid=<m>: saved",
        local(None, 11, 22, 0),
        "mbx1",
        "dovecot",
        0,
        "lmtp(a b)<1><x>: msgid=<m>: saved",
    );
}

#[test]
fn iso_with_its_zone_is_utc() {
    for (line, shift) in [
        ("2026-03-02T10:00:00Z", 0),
        ("2026-03-02T10:00:00+00:00", 0),
        ("2026-03-02T12:00:00+02:00", 0),
        ("2026-03-02T12:00:00+0200", 0),
        ("2026-03-02T12:00:00+02", 0),
        ("2026-03-02T06:30:00-03:30", 0),
        ("2026-03-02T10:00:00.196080Z", 196_080),
        ("2026-03-02T10:00:00,196Z", 196_000),
        ("2026-03-02T10:00:00.196080999Z", 196_080),
        ("2026-03-02 10:00:00.5+00:00", 500_000),
        ("2026-03-02 12:00:00 +0200", 0),
    ] {
        is(format!("{line} h p[1]: t"), Stamp::Utc(MARCH_2_TEN + shift), "h", "p", 1, "t");
    }
}

#[test]
fn iso_without_zone_is_local_with_its_year() {
    for line in ["2026-03-02T10:00:00", "2026-03-02 10:00:00"] {
        is(format!("{line} h p[1]: t"), local(Some(2026), 3, 2, 10 * HOUR), "h", "p", 1, "t");
    }
    is("2026-03-02 10:00:00 mbx1 dovecot: t", local(Some(2026), 3, 2, 10 * HOUR), "mbx1", "dovecot", 0, "t");
}

#[test]
fn iso_before_1970_and_in_leap_years() {
    assert_eq!(open("1969-12-31T23:59:59.5Z h p[1]: t").stamp, Stamp::Utc(-500_000));
    assert_eq!(open("2000-02-29T00:00:00Z h p[1]: t").stamp, Stamp::Utc(951_782_400_000_000));
    assert!(!opens("2026-02-29T00:00:00Z h p[1]: t"));
    assert!(!opens("2026-13-01T00:00:00Z h p[1]: t"));
    assert!(!opens("2026-01-01T24:00:00Z h p[1]: t"));
    assert!(!opens("2026-01-01T00:00:00+99:00 h p[1]: t"));
}

#[test]
fn exims_main_log_is_a_time_and_a_text() {
    // corpora/alt-mta/exim/mainlog.gz and rejectlog.gz; log_selector may add zone and process id.
    let at = local(Some(2026), 11, 22, 4 * HOUR);
    for text in [
        "1xUzfi-0005fH-1A == x1@slow.example.net R=outside T=remote_smtp defer (-54): retry",
        "1xUzfi-0005fH-1A DKIM: d=example.com s=x",
        "1xUzfi-00000005fHs-1Abc DKIM: d=example.com s=x",
        "H=out1.partner.example.net [127.0.40.60] F=<a@b> rejected RCPT <c@d>: relay not permitted",
        "H=out1 [127.0.40.60]: SMTP timeout",
        "[21548] 1xUzfi-0005fH-1A Completed",
        "exim 4.96 daemon started: pid=21548, -q4s",
        "Start queue run: pid=22272",
        "SIGHUP received: re-exec daemon",
        "Warning: purging the environment.",
        "#9619(main) <48pqzr>; cfg; rspamd_config_is_module_enabled: lua module elastic is disabled",
        "#9619(main) rspamd_url_init: start compiling of 9628 TLD suffixes",
    ] {
        is(format!("2026-11-22 04:00:00 {text}"), at, "", "", 0, text);
    }
    assert_eq!(open("2026-03-02 12:00:00 +0200 1xUzfi-0005fH-1A Completed").stamp, Stamp::Utc(MARCH_2_TEN));
}

#[test]
fn a_priority_before_any_form() {
    for line in ["<22>Mar  2 10:00:00 h p[1]: t", "<0>Mar  2 10:00:00 h p[1]: t"] {
        is(line, local(None, 3, 2, 10 * HOUR), "h", "p", 1, "t");
    }
    is("<22>2026-03-02T10:00:00Z h p[1]: t", Stamp::Utc(MARCH_2_TEN), "h", "p", 1, "t");
    is("<22>Mar  2 10:00:00 postfix/smtpd[7]: t", local(None, 3, 2, 10 * HOUR), "", "postfix/smtpd", 7, "t");
    is("<22>postfix/smtpd[7]: t", Stamp::None, "", "postfix/smtpd", 7, "t");
    assert!(!opens("<192>Mar  2 10:00:00 h p[1]: t"));
    assert!(!opens("<>Mar  2 10:00:00 h p[1]: t"));
}

#[test]
fn rfc5424_with_and_without_structured_data() {
    is(
        "<22>1 2026-03-02T10:00:00Z edge1 postfix/smtpd 77 - - connect from a",
        Stamp::Utc(MARCH_2_TEN),
        "edge1",
        "postfix/smtpd",
        77,
        "connect from a",
    );
    is(
        r#"<22>1 2026-03-02T12:00:00.5+02:00 edge1 p 77 ID47 [a@1 k="v \"q\" \] x"][b@2 c="]"] said: [x]"#,
        Stamp::Utc(MARCH_2_TEN + 500_000),
        "edge1",
        "p",
        77,
        "said: [x]",
    );
}

#[test]
fn rfc5424_with_nothing_in_its_fields() {
    is("<22>1 - - - - - -", Stamp::None, "", "", 0, "");
    is("<22>1 - - - - - - \u{FEFF}naïve", Stamp::None, "", "", 0, "naïve");
    assert!(!opens("<22>1 yesterday h p 1 - - t"));
    assert!(!opens(r#"<22>1 - h p 1 - [a k="v t"#));
}

#[test]
fn solaris_message_id_is_stripped() {
    is(
        "Mar  2 10:00:00 h sendmail[9]: [ID 801593 mail.info] l9S1: from=<a@b>",
        local(None, 3, 2, 10 * HOUR),
        "h",
        "sendmail",
        9,
        "l9S1: from=<a@b>",
    );
}

#[test]
fn journald_json() {
    is(
        r#"{"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1772445600000001","_HOSTNAME":"edge1","_PID":"5","SYSLOG_IDENTIFIER":"postfix/smtpd","MESSAGE":"connect from a"}"#,
        Stamp::Utc(MARCH_2_TEN + 1),
        "edge1",
        "postfix/smtpd",
        5,
        "connect from a",
    );
}

#[test]
fn journald_json_with_escapes_and_other_values() {
    is(
        r#" {"X":[{"a":["]}",1]},null], "_PID" : 5 , "SYSLOG_PID":"6","_COMM":"smtpd","N":null,"MESSAGE":"Subject: \"caf\u00e9\" \ud83d\ude00\t\/\ud83d"}"#.trim_start(),
        Stamp::None,
        "",
        "smtpd",
        6,
        "Subject: \"café\" 😀\t/\u{FFFD}",
    );
}

#[test]
fn journald_json_with_a_message_of_bytes() {
    let line = r#"{"MESSAGE":[72, 105,255],"SYSLOG_IDENTIFIER":["p","q"]}"#;
    let mut scratch = Scratch::default();
    let envelope = parse(line.as_bytes(), &mut scratch).expect("an envelope");
    assert_eq!((envelope.program, envelope.text), (&b"p"[..], &b"Hi\xFF"[..]));
}

#[test]
fn journald_json_that_is_broken_or_says_nothing() {
    for line in [
        "{",
        "{}",
        r#"{"MESSAGE""#,
        r#"{"MESSAGE":"x"#,
        r#"{"MESSAGE":"x""#,
        r#"{"MESSAGE":null}"#,
        r#"{"MESSAGE":[256]}"#,
        r#"{"MESSAGE":[1,]}"#,
        r#"{"log":"x"}"#,
        r#"{"MESSAGE":"x" "a":1}"#,
    ] {
        assert!(!opens(line), "{line}");
    }
    let deep = format!(r#"{{"A":{}"#, "[".repeat(100_000));
    assert!(!opens(deep));
}

#[test]
fn the_inner_header_of_a_container_wins() {
    // docker-mailserver #969: two clocks in two zones
    is(
        "May 02 22:56:18 X docker[1]: May  2 20:56:17 mail postfix/smtp[2]: 4F1: to=<a@b>",
        local(None, 5, 2, 20 * HOUR + 56 * 60_000_000 + 17_000_000),
        "mail",
        "postfix/smtp",
        2,
        "4F1: to=<a@b>",
    );
    is(
        "May 02 22:56:18 X 0a1b2c3d4e5f[1]: 2026-03-02T10:00:00Z mail postfix/smtp[2]: t",
        Stamp::Utc(MARCH_2_TEN),
        "mail",
        "postfix/smtp",
        2,
        "t",
    );
    is("May 02 22:00:00 X docker/mail[1]: <22>p[2]: t 45678", local(None, 5, 2, 22 * HOUR), "X", "p", 2, "t 45678");
    is(
        "May 02 22:00:00 X docker[1]: Nov 22 04:00:00 master: Info: t",
        local(None, 11, 22, 4 * HOUR),
        "X",
        "master",
        0,
        "Info: t",
    );
}

#[test]
fn only_containers_may_carry_an_inner_header() {
    let at = local(None, 5, 2, 22 * HOUR);
    let quoted = "May  2 20:56:17 mail postfix/smtp[2]: 4F1: to=<a@b>";
    is(format!("May 02 22:00:00 X myapp[1]: {quoted}"), at, "X", "myapp", 1, quoted);
    // Exim with syslog_timestamp repeats its own time.
    let exim = "2026-05-02 20:56:17 1xUzfi-0005fH-1A Completed";
    is(format!("May 02 22:00:00 X exim[1]: {exim}"), at, "X", "exim", 1, exim);
    let message = "2026-05-02 20:56:17 level=info started";
    is(format!("May 02 22:00:00 X dockerd[1]: {message}"), at, "X", "dockerd", 1, message);
}

#[test]
fn message_repeated_gives_the_inner_text() {
    // SendmailAnalyzer #30
    for tail in ["]", " ]", ""] {
        let opened = open(format!(
            "Mar  2 10:00:00 h postfix/smtp[1]: message repeated 2 times: [ 4F1: to=<a@b>, status=sent{tail}"
        ));
        assert_eq!((opened.repeated, opened.text.as_str()), (2, "4F1: to=<a@b>, status=sent"));
    }
    let opened = open("Mar  2 10:00:00 h p[1]: message repeated many times: [ x]");
    assert_eq!((opened.repeated, opened.text.as_str()), (1, "message repeated many times: [ x]"));
}

#[test]
fn last_message_repeated_keeps_its_text() {
    let opened = open("Mar  2 10:00:00 h last message repeated 3 times");
    assert_eq!((opened.host.as_str(), opened.program.as_str()), ("h", ""));
    assert_eq!((opened.repeated, opened.text.as_str()), (3, "last message repeated 3 times"));
    assert_eq!(open("Mar  2 10:00:00 h p[1]: last message repeated 0 times").repeated, 1);
}

#[test]
fn a_repetition_inside_a_container() {
    let opened = open("May 02 22:56:18 X docker[1]: May  2 20:56:17 m postfix/smtp[2]: message repeated 2 times: [ t]");
    assert_eq!((opened.program.as_str(), opened.repeated, opened.text.as_str()), ("postfix/smtp", 2, "t"));
}

#[test]
fn unusual_tags() {
    let at = local(None, 3, 2, 10 * HOUR);
    is("Mar  2 10:00:00 h IP_ADDRESS/smtpd[1]: t", at, "h", "IP_ADDRESS/smtpd", 1, "t");
    is("Mar  2 10:00:00 h postfix-2001:db8::1/smtpd[1]: t", at, "h", "postfix-2001:db8::1/smtpd", 1, "t");
    is("Mar  2 10:00:00 h p[1] t", at, "h", "p", 1, "t");
    is("Mar  2 10:00:00 h p[]: t", at, "h", "p", 0, "t");
    is("Mar  2 10:00:00 h p[1]:t u", at, "h", "p", 1, "t u");
    is("Mar  2 10:00:00 h p[99999999999]: t", at, "h", "p[99999999999]", 0, "t");
    is("Mar  2 10:00:00 h p[4294967296]: t", at, "h", "p", 0, "t");
    is("Mar  2 10:00:00 h sudo:   a : b", at, "h", "sudo", 0, "  a : b");
    is("Mar  2 10:00:00 h -- MARK --", at, "h", "", 0, "-- MARK --");
    is("Mar  2 10:00:00 fe80:: p[1]: t", at, "fe80::", "p", 1, "t");
    is("Mar  2 10:00:00 [10.0.0.1] p[1]: t", at, "[10.0.0.1]", "p", 1, "t");
}

#[test]
fn lines_that_end_early() {
    let at = local(None, 3, 2, 10 * HOUR);
    is("Mar  2 10:00:00", at, "", "", 0, "");
    is("Mar  2 10:00:00 ", at, "", "", 0, "");
    is("Mar  2 10:00:00 h", at, "h", "", 0, "");
    is("Mar  2 10:00:00 h p[1]:", at, "h", "p", 1, "");
    is("Mar  2 10:00:00 h p[1]: ", at, "h", "p", 1, "");
    for line in
        ["", "\r", "\0", "Mar", "Mar  2 10:00:0", "Mar  2 10:00:00h", "2026-03-02T10:00:0", "<", "<22", "<22>", "<22>1"]
    {
        assert!(!opens(line), "{line:?}");
    }
}

#[test]
fn bytes_around_the_line_are_trimmed() {
    let at = local(None, 3, 2, 10 * HOUR);
    is("\0\0\0Mar  2 10:00:00 h p[1]: t\r", at, "h", "p", 1, "t");
    is("\u{FEFF}Mar  2 10:00:00 h p[1]: t", at, "h", "p", 1, "t");
}

#[test]
fn text_that_is_not_utf8_stays_bytes() {
    let mut scratch = Scratch::default();
    let envelope = parse(b"Mar  2 10:00:00 h\xFF p\xFE[1]: caf\xE9", &mut scratch).expect("an envelope");
    assert_eq!((envelope.host, envelope.program, envelope.text), (&b"h\xFF"[..], &b"p\xFE"[..], &b"caf\xE9"[..]));
}

#[test]
fn what_is_remembered_of_the_line_before_changes_no_time() {
    let lines = [
        "Mar  2 10:00:00 h p[1]: t",
        "Mar  2 10:00:00 other p[1]: t",
        "Mar  2 10:00:00.5 h p[1]: t",
        "Mar  2 10:00:00 h p[1]: t",
        "Mar  2 10:00:00",
        "Mar  2 10:00:01 h p[1]: t",
        "<22>Mar  2 10:00:01 h p[1]: t",
        "Mar 2 10:00:01 hp p[1]: t",
        "Mar 2 10:00:01 host p[1]: t",
        "Mar  2 10:00:01\th p[1]: t",
        "2026-03-02T10:00:01Z h p[1]: t",
        "2026-03-02T10:00:01.250Z h p[1]: t",
        "2026-03-02T10:00:01+02:00 h p[1]: t",
        "2026-03-02 10:00:01 1xUzfh-0005eu-36 Completed",
        "2026-03-02 10:00:01 +0200 1xUzfh-0005eu-36 Completed",
        "2026-03-02 10:00:01.25 1xUzfh-0005eu-36 Completed",
        "2026-03-02 10:00:01.250 +0200 1xUzfh-0005eu-36 Completed",
        "2026-03-02 10:00:01",
        "Mar  2 10:00:01. h p[1]: t",
        "Mar  2 10:00:01.5 h p[1]: t",
    ];
    let mut scratch = Scratch::default();
    for line in lines.iter().chain(lines.iter().rev()) {
        let alone = parse(line.as_bytes(), &mut Scratch::default()).map(|envelope| envelope.stamp);
        let after_others = parse(line.as_bytes(), &mut scratch).map(|envelope| envelope.stamp);
        assert_eq!(after_others, alone, "{line}");
    }
}

#[test]
fn lines_without_an_envelope() {
    for line in [
        "hello",
        "\u{FEFF}",
        "date-time,client-ip",
        "#Software: Microsoft Exchange Server",
        "6b027255.274da256 0x7e conn=1 ",
        "Mai  2 10:00:00 h p: t",
    ] {
        assert!(!opens(line), "{line}");
    }
}
