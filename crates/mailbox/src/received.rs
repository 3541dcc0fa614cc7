//! Who took a message, under which queue id and when: the lines `Received` that servers write above what they found (RFC 5321, 4.4).
//!
//! `from … by mx1.example.org (…) with esmtps (…) id 1rXyz0-0001Ab-2C for …; Sun, 22 Nov 2026 04:32:46 +0000`. Only the line of a server
//! that is known is believed: all below it could have been made up by whoever sent the message.

use vigie_model::{Micros, QueueId};

use crate::date;

/// Whose lines are looked for, and what these servers are called in Vigie. Without any, the topmost line counts that is not of a delivery
/// into a mailbox, and its server goes by its name up to the first dot, as most logs have it; this machine by the name that its own have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Servers {
    names: Vec<ServerName>,
    here: Option<String>,
}

/// A server of the user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerName {
    /// As its lines in Vigie have it.
    pub name: String,
    /// As it calls itself in Received lines, where that is another name.
    pub by: Option<String>,
}

/// What a Received line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// As Vigie calls it.
    pub server: String,
    pub queue_id: Option<QueueId>,
    /// When; `None` where the line does not say it in a form that is known.
    pub at: Option<Micros>,
}

/// What is written behind `with` by whoever puts mail into mailboxes (RFC 3848, and Cyrus' own).
const DELIVERING: [&str; 4] = ["lmtp", "lmtps", "lmtpa", "lmtpsa"];
/// Exchange's lines have its version where others have the queue id.
const WITHOUT_QUEUE_ID: &str = "microsoft";
/// No host has a longer name.
const NAME_BYTES_MAX: usize = 253;

impl Servers {
    /// Of these servers.
    pub fn new(names: Vec<ServerName>) -> Servers {
        Servers { names, here: None }
    }

    /// With what the logs of this machine call it.
    pub fn with_here(self, here: &str) -> Servers {
        Servers { here: Some(here.to_owned()), ..self }
    }

    /// Each.
    pub fn names(&self) -> &[ServerName] {
        &self.names
    }

    /// The topmost line that one of these servers wrote; lines come from the top.
    pub fn find<'a>(&self, lines: impl Iterator<Item = &'a [u8]>) -> Option<Received> {
        lines.map(Line::read).find_map(|line| {
            let server = self.called(&line)?;
            let queue_id = Some(&line.id).filter(|_| line.with != WITHOUT_QUEUE_ID);
            let queue_id = queue_id.and_then(|id| QueueId::new(id.as_bytes()));
            Some(Received { server, queue_id, at: date::read(&line.date) })
        })
    }

    fn called(&self, line: &Line) -> Option<String> {
        if !is_name(&line.by) {
            return None;
        }
        if self.names.is_empty() {
            let is_delivery = DELIVERING.contains(&line.with.as_str());
            let here = self.here.as_ref().filter(|here| is_same(here, &line.by));
            let server = here.map_or_else(|| first_label(&line.by), String::as_str);
            return (!is_delivery).then(|| server.to_owned());
        }
        let known = self.names.iter().find(|known| match &known.by {
            Some(by) => by.eq_ignore_ascii_case(&line.by),
            None => is_same(&known.name, &line.by),
        });
        known.map(|known| known.name.clone())
    }
}

/// The same name, or one is the other up to its first dot.
fn is_same(one: &str, other: &str) -> bool {
    let either = |short: &str, long: &str| !short.contains('.') && short.eq_ignore_ascii_case(first_label(long));
    one.eq_ignore_ascii_case(other) || either(one, other) || either(other, one)
}

fn first_label(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// It becomes the host of a line: what is no name must not.
fn is_name(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    text.len() <= NAME_BYTES_MAX && text.bytes().all(is_letter) && !first_label(text).is_empty()
}

/// The words of a line.
#[derive(Debug, Default, PartialEq, Eq)]
struct Line {
    by: String,
    /// In lower case.
    with: String,
    id: String,
    date: String,
}

impl Line {
    fn read(value: &[u8]) -> Line {
        let (words, date) = without_comments(value);
        let mut line = Line { date, ..Line::default() };
        let mut words = words.split_ascii_whitespace();
        while let Some(word) = words.next() {
            let place = match word.to_ascii_lowercase().as_str() {
                "by" => Some(&mut line.by),
                "with" => Some(&mut line.with),
                "id" => Some(&mut line.id),
                "from" | "for" | "via" => None,
                _ => continue,
            };
            // What stands behind such a word is its value, even where a client calls itself `by`.
            let value = words.next().unwrap_or_default();
            if let Some(place) = place.filter(|place| place.is_empty()) {
                value.clone_into(place);
            }
        }
        line.with.make_ascii_lowercase();
        line
    }
}

/// What stands outside of `(…)`: before the last semicolon, and behind it.
fn without_comments(value: &[u8]) -> (String, String) {
    let (mut text, mut depth, mut is_escaped) = (Vec::with_capacity(value.len()), 0u32, false);
    for &byte in value {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if depth > 0 => is_escaped = true,
            b'(' => {
                depth += 1;
                text.push(b' ');
            }
            b')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => text.push(byte),
            _ => {}
        }
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    match text.rsplit_once(';') {
        Some((words, date)) => (words.to_owned(), date.to_owned()),
        None => (text, String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXIM: &str = "from [192.0.2.7] (helo=client.example.net)\r\n\tby mx1.example.org with esmtps  (TLS1.3) tls TLS_AES_256_GCM_SHA384\r\n\t\
        (Exim 4.96)\r\n\t(envelope-from <a@example.net>)\r\n\tid 1vMabc-000000012Ab-3CDe\r\n\tfor b@example.org;\r\n\tSun, 22 Nov 2026 04:32:29 +0000";
    const POSTFIX: &str = "from mx1.example.org (mx1.example.org [192.0.2.1])\r\n\t(using TLSv1.3 with cipher X (256/256 bits))\r\n\tby hub.example.org (Postfix) with ESMTPS id 4jXGQ503wXz1Y5Q7\r\n\tfor <b@example.org>; Sun, 22 Nov 2026 05:32:30 +0100 (CET)";
    const DOVECOT: &str =
        "from mx1.example.org by mbox.example.org with LMTP id qF2uKh; Sun, 22 Nov 2026 04:32:31 +0000";
    const EXCHANGE: &str = "from EX02.contoso.local (10.0.0.2) by EX01.contoso.local\r\n (10.0.0.1) with Microsoft SMTP Server (version=TLS1_2,\r\n cipher=X) id 15.1.2507.6 via Mailbox Transport; Sun, 22 Nov\r\n 2026 05:32:29 +0100";
    const FORGED: &str =
        "from by (helo=with) by evil.example.net with esmtp id FORGED1; Sun, 22 Nov 2026 00:00:00 +0000";

    fn servers(names: &[(&str, Option<&str>)]) -> Servers {
        let name = |(name, by): &(&str, Option<&str>)| ServerName { name: (*name).into(), by: by.map(str::to_owned) };
        Servers::new(names.iter().map(name).collect())
    }

    fn found(servers: &Servers, lines: &[&str]) -> Option<(String, String, Option<Micros>)> {
        let found = servers.find(lines.iter().map(|line| line.as_bytes()))?;
        Some((found.server, found.queue_id.map(|id| id.to_string()).unwrap_or_default(), found.at))
    }

    #[test]
    fn the_topmost_line_of_a_known_server_counts() {
        let at = Some(1_795_321_949_000_000);
        let mx1 = |name: &str| Some((name.to_owned(), "1vMabc-000000012Ab-3CDe".to_owned(), at));
        let lines = [DOVECOT, EXIM, FORGED];
        assert_eq!(found(&servers(&[("mx1", None)]), &lines), mx1("mx1"));
        assert_eq!(found(&servers(&[("MX1.example.org", None)]), &lines), mx1("MX1.example.org"));
        assert_eq!(found(&servers(&[("edge", Some("mx1.example.org"))]), &lines), mx1("edge"));
        assert_eq!(found(&servers(&[("mx1.example.com", None), ("mx2", None)]), &lines), None);
        let hub = Some(("hub".to_owned(), "4jXGQ503wXz1Y5Q7".to_owned(), at.map(|at| at + 1_000_000)));
        assert_eq!(found(&servers(&[("mx1", None), ("hub", None)]), &[DOVECOT, POSTFIX, EXIM]), hub);
        let exchange = Some(("EX01".to_owned(), String::new(), at));
        assert_eq!(found(&servers(&[("EX01", None)]), &[EXCHANGE]), exchange);
    }

    #[test]
    fn without_names_the_topmost_line_counts_that_is_no_delivery() {
        let none = Servers::default();
        assert_eq!(found(&none, &[DOVECOT, EXIM]).map(|found| found.0).as_deref(), Some("mx1"));
        assert_eq!(found(&none, &[DOVECOT]), None);
        for (here, called) in
            [("mx1.example.org", "mx1.example.org"), ("MX1", "MX1"), ("mx2", "mx1"), ("mx1.example.com", "mx1")]
        {
            let server = found(&Servers::default().with_here(here), &[EXIM]).map(|found| found.0);
            assert_eq!(server.as_deref(), Some(called), "{here}");
        }
        assert_eq!(
            found(&none, &["(qmail 1 invoked by uid 89); 22 Nov 2026 04:32:29 -0000", EXIM])
                .map(|found| found.0)
                .as_deref(),
            Some("mx1")
        );
    }

    #[test]
    fn a_client_cannot_put_words_into_a_servers_line() {
        let line = "from by (helo=by evil.example) by mx1 with esmtp id A1; Sun, 22 Nov 2026 04:32:29 +0000";
        assert_eq!(
            found(&Servers::default(), &[line]).map(|found| (found.0, found.1)),
            Some(("mx1".into(), "A1".into()))
        );
        for by in ["", "a b", "-{}", "x\u{7f}", ".", ".org", "é"] {
            let line = format!("from x by {by}; Sun, 22 Nov 2026 04:32:29 +0000");
            let found = found(&Servers::default(), &[&line]);
            assert!(found.is_none() || found.is_some_and(|found| found.0 == "a"), "{by}");
        }
    }
}
