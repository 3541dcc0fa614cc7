//! What is kept of a message: the message, and a header where it says no time.
//!
//! A message whose envelope has a time is kept as it came, with its `<PRI>`. Any other gets a header of the time at which it came and
//! the address of its sender, so that it can be placed and attributed:
//!
//! | what came | what is kept |
//! | --- | --- |
//! | `<22>postfix/smtpd[1]: text` | `2026-06-16T02:26:09.196080+00:00 192.0.2.1 postfix/smtpd[1]: text` |
//! | `text` | `2026-06-16T02:26:09.196080+00:00 192.0.2.1 - text` |
//! | `<22>1 - - app 1 - - text` | `<22>1 2026-06-16T02:26:09.196080+00:00 192.0.2.1 app 1 - - text` |

use std::net::IpAddr;

use vigie_formats::envelope::{self, Scratch, Stamp};

use super::Clock;
use crate::spool::Block;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    AsItCame,
    /// With a header of ours.
    Headed,
    /// It had no bytes, and is not kept.
    Empty,
}

/// Adds a message to a block.
pub(super) fn keep(message: &[u8], peer: IpAddr, clock: Clock, block: &mut Block) -> Kept {
    let message = trim(message);
    if message.is_empty() {
        return Kept::Empty;
    }
    let mut scratch = Scratch::default();
    let says_time = envelope::parse(message, &mut scratch).is_some_and(|envelope| envelope.stamp != Stamp::None);
    if says_time {
        block.push(message);
        return Kept::AsItCame;
    }
    block.push(&headed(message, &peer.to_canonical().to_string(), &clock.stamp()));
    Kept::Headed
}

/// Takes away what ends a message without being of it, as rsyslog does (`dropTrailingLFOnReception`).
fn trim(message: &[u8]) -> &[u8] {
    let start = message.iter().take_while(|byte| **byte == 0).count();
    let end = message.iter().rev().take_while(|byte| matches!(byte, b'\n' | b'\r' | 0)).count();
    // Where all of it is NUL, both count all of it.
    message.get(start..message.len() - end).unwrap_or_default()
}

fn headed(message: &[u8], peer: &str, now: &str) -> Vec<u8> {
    let (priority, rest) = split_priority(message);
    if let Some(rest) = rest.strip_prefix(b"1 - ")
        && !priority.is_empty()
    {
        // RFC 5424 with a time left out, and perhaps the host.
        let filled = match rest.strip_prefix(b"- ") {
            Some(rest) => [priority, b"1 ", now.as_bytes(), b" ", peer.as_bytes(), b" ", rest].concat(),
            None => [priority, b"1 ", now.as_bytes(), b" ", rest].concat(),
        };
        if envelope::parse(&filled, &mut Scratch::default()).is_some() {
            return filled;
        }
    }
    let tagged = [now.as_bytes(), b" ", peer.as_bytes(), b" ", rest].concat();
    let mut scratch = Scratch::default();
    let has_tag = envelope::parse(&tagged, &mut scratch)
        .is_some_and(|envelope| envelope.host == peer.as_bytes() && !envelope.program.is_empty());
    if has_tag { tagged } else { [now.as_bytes(), b" ", peer.as_bytes(), b" - ", message].concat() }
}

/// `<22>` and what follows.
fn split_priority(message: &[u8]) -> (&[u8], &[u8]) {
    let end = message.iter().take(5).position(|byte| *byte == b'>').map_or(0, |close| close + 1);
    let (priority, rest) = message.split_at(end);
    let is_priority = priority.first() == Some(&b'<') && priority.len() > 2;
    let is_priority = is_priority && priority[1..priority.len() - 1].iter().all(u8::is_ascii_digit);
    if is_priority { (priority, rest) } else { (b"", message) }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use super::*;

    const NOW: &str = "2026-06-16T02:26:09.196080+00:00";

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(1_781_576_769_196_080)
    }

    fn kept(message: impl AsRef<[u8]>) -> (String, Kept) {
        let mut block = Block::new();
        let peer = "::ffff:192.0.2.1".parse().expect("an address");
        let kept = keep(message.as_ref(), peer, Clock(now), &mut block);
        (String::from_utf8(block.bytes().to_vec()).expect("text").trim_end_matches('\n').to_owned(), kept)
    }

    #[test]
    fn what_says_its_time_is_kept_as_it_came() {
        for line in [
            "<22>Mar  2 10:00:00 h postfix/smtpd[1]: connect from a",
            "<22>1 2026-03-02T10:00:00Z h postfix/smtpd 1 - - connect from a",
            "2026-03-02T10:00:00+01:00 h postfix/smtpd[1]: connect",
            "Mar  2 10:00:00 postfix/smtpd[1]: no host",
            r#"{"__REALTIME_TIMESTAMP":"1772445600000001","MESSAGE":"x"}"#,
        ] {
            assert_eq!(kept(line), (line.to_owned(), Kept::AsItCame));
            assert_eq!(kept(format!("{line}\r\n\0")), (line.to_owned(), Kept::AsItCame));
        }
    }

    #[test]
    fn what_says_no_time_gets_a_header_that_the_server_reads() {
        for (line, program, text) in [
            ("<22>postfix/smtpd[1]: connect from a", "postfix/smtpd", "connect from a"),
            ("postfix/smtpd[1]: connect from a", "postfix/smtpd", "connect from a"),
            ("<22>1 - - postfix/smtpd 1 - - connect from a", "postfix/smtpd", "connect from a"),
            ("some words", "", "- some words"),
            ("<22>some words", "", "- <22>some words"),
            ("<999>some words", "", "- <999>some words"),
            ("{\"MESSAGE\":\"x\"}", "", "- {\"MESSAGE\":\"x\"}"),
            ("<22>1 - - broken", "", "- <22>1 - - broken"),
        ] {
            let (line, how) = kept(line);
            assert_eq!(how, Kept::Headed);
            let mut scratch = Scratch::default();
            let envelope = envelope::parse(line.as_bytes(), &mut scratch).expect("an envelope");
            assert_eq!(envelope.stamp, Stamp::Utc(1_781_576_769_196_080), "{line}");
            assert_eq!(envelope.host, b"192.0.2.1", "{line}");
            assert_eq!(String::from_utf8_lossy(envelope.program), program, "{line}");
            assert_eq!(String::from_utf8_lossy(envelope.text), text, "{line}");
        }
    }

    #[test]
    fn a_host_that_is_named_stays() {
        let (line, _) = kept("<22>1 - mx1 postfix/smtpd 1 - - text");
        assert_eq!(line, format!("<22>1 {NOW} mx1 postfix/smtpd 1 - - text"));
    }

    #[test]
    fn nothing_is_nothing() {
        for nothing in ["", "\n", "\r\n", "\0\0\0", "\0\r\n\0"] {
            assert_eq!(kept(nothing), (String::new(), Kept::Empty));
        }
    }
}
