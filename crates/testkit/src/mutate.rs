//! Lines made worse: what a fuzzer without coverage can do to real lines.

use crate::random::Random;

/// Words at which parsers branch.
const TOKENS: &[&str] = &[
    "<",
    ">",
    "<>",
    "[",
    "]",
    "(",
    ")",
    ":",
    ": ",
    ", ",
    "; ",
    "=",
    "\"",
    "{",
    "}",
    "\\u0000",
    "\\",
    "/",
    "#012",
    "\0",
    "\r",
    "\t",
    "\n",
    "  ",
    "to=<",
    "from=<",
    "orig_to=<",
    "relay=",
    "delay=",
    "delays=",
    "dsn=",
    "status=sent ",
    "status=deferred (",
    "status=bounced (",
    "client=",
    "message-id=",
    "removed",
    "NOQUEUE: ",
    "reject: ",
    "queued as ",
    "forwarded as ",
    "orig_queue_id=",
    "sasl_username=",
    "size=",
    "nrcpt=",
    " (queue active)",
    "header Subject: ",
    "; from=<",
    " from ",
    "proto=ESMTP",
    "helo=<",
    "message repeated 2 times: [ ",
    "last message repeated 99999999999 times",
    "<22>1 ",
    "<191>",
    "Feb 29 24:00:60 ",
    "2026-02-30T25:61:61.999999999+99:99 ",
    "9999-12-31T23:59:59Z ",
    "0000-00-00T00:00:00-00:00 ",
    "Dec 31 23:59:60 ",
    "Jan  1 00:00:00 ",
    "postfix/smtpd[1]: ",
    "postfix/qmgr[2]: ",
    "dovecot: lmtp(u)<1><S:T2:R3>: ",
    "msgid=<",
    "saved mail to",
    "amavis[3]: (1-2) Passed CLEAN ",
    "Queue-ID: ",
    "queued_as: ",
    "rspamd_task_write_log: id: <",
    "qid: <",
    "18446744073709551616",
    "-1",
    "99999999999999999999",
    "0.000000001",
    "4jXGQ503wXz1Y5Q7",
    "\u{feff}",
    "é",
    "\u{2028}",
    "=?utf-8?B?",
    "=?utf-8?Q?",
    "?=",
    "__REALTIME_TIMESTAMP",
    "\"MESSAGE\":",
    "[ID 801593 mail.info] ",
    "not (",
    "and ",
    "or ",
    "recipients>",
    "attachment.size>2MB",
    "-class:",
    "@",
    "*",
    "%",
    "+",
    "last 7 days",
    "2026-01-01..",
];

/// The longest text that is made.
const BYTES_MAX: usize = 20_000;

/// Changes a text in place, once or a few times; `others` are texts to splice from.
pub fn mutate(text: &mut Vec<u8>, others: &[Vec<u8>], random: &mut Random) {
    for _ in 0..=random.below(4) {
        one(text, others, random);
    }
    text.truncate(BYTES_MAX);
}

fn one(text: &mut Vec<u8>, others: &[Vec<u8>], random: &mut Random) {
    let at = random.below(text.len() + 1);
    let until = (at + 1 + random.below(20)).min(text.len());
    match random.below(10) {
        0 if at < text.len() => text[at] ^= 1 << random.below(8),
        1 if at < text.len() => text[at] = random.draw() as u8,
        2 if at < until => drop(text.drain(at..until)),
        3 => text.truncate(at),
        4 if at < until => {
            let part = text[at..until].to_vec();
            let times = 1 + random.below(6);
            insert(text, at, &part.repeat(times));
        }
        5 => splice(text, at, others, random),
        6 if at < until => text[at..until].reverse(),
        7 => number(text, at, random),
        _ => {
            let token = random.pick(TOKENS).copied().unwrap_or_default();
            insert(text, at, token.as_bytes());
        }
    }
}

fn insert(text: &mut Vec<u8>, at: usize, part: &[u8]) {
    text.splice(at..at, part.iter().copied());
}

/// Goes on with the end of another text.
fn splice(text: &mut Vec<u8>, at: usize, others: &[Vec<u8>], random: &mut Random) {
    if let Some(other) = random.pick(others) {
        let from = random.below(other.len() + 1);
        text.truncate(at);
        text.extend_from_slice(&other[from..]);
    }
}

/// Makes the next digits another number.
fn number(text: &mut Vec<u8>, at: usize, random: &mut Random) {
    let Some(start) = text[at..].iter().position(u8::is_ascii_digit).map(|offset| at + offset) else { return };
    let digits = text[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = match random.below(3) {
        0 => random.below(100).to_string(),
        1 => random.draw().to_string(),
        _ => "9".repeat(digits),
    };
    text.splice(start..start + digits, number.into_bytes());
}
