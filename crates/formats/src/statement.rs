//! What a line says of one message: the words that all mail servers share.
//!
//! A grammar that fills a [`Statement`] needs no correlator of its own. What a line does not say stays empty or `None`: nothing is
//! guessed, and what a server never logs is never zero.

use std::borrow::Cow;

use vigie_model::{Arrival, Delays, Outcome, QueueId};

use crate::scan;

/// What one line says of one message at one server. All text borrows from the line.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement<'a> {
    /// The server's own name for the message.
    pub queue_id: QueueId,
    /// The line is the message's arrival at this server. Only such a line may say who the client was.
    pub begins: bool,
    /// A server may write such a line even where no message came of the transaction: only another line about it makes a message of it.
    pub tentative: bool,
    /// The session in which it came, where other lines say who was at its other end (see [`crate::session`]).
    pub session: Option<u64>,
    /// How the message came; [`Arrival::Unknown`] where the line does not say, and where a program on this server gives back a message
    /// that it was given here: nobody submitted it.
    pub arrival: Arrival,
    pub client_name: &'a [u8],
    pub client_ip: &'a [u8],
    pub helo: &'a [u8],
    /// Login name of the submitter.
    pub user: &'a [u8],
    /// As the header has it; where the server takes the angle brackets off, without.
    pub message_id: &'a [u8],
    /// Envelope sender without brackets; `Some(b"")` is the null sender.
    pub sender: Option<&'a [u8]>,
    /// As the header has it: encoded words are read later.
    pub subject: Option<Cow<'a, [u8]>>,
    /// Bytes.
    pub size: Option<u64>,
    /// Recipients at this server, where the line says how many.
    pub recipient_count: Option<u32>,
    /// A name that all copies of the message have in one organisation (Exchange's network message id).
    pub network_id: &'a [u8],
    /// The server gives each copy of the message a `network_id` of its own, and not all of them one.
    pub network_id_per_copy: bool,
    /// The server says other things of the message later, under the same time: it is told anew each time that somebody asks.
    pub revised: bool,
    /// The hop at this server that this one continues (Sendmail's clone, Exchange's fork).
    pub previous: Option<QueueId>,
    /// The message at this server that this notice is about.
    pub notice_of: Option<QueueId>,
    /// Another message at this server of which the line speaks, too.
    pub also: Option<Also>,
    /// Message id of the notice that the sender gets about this message.
    pub notice_message_id: &'a [u8],
    /// The message is a notice of this server; `notice_message_id` of the message that it is about is its message id.
    pub is_notice: bool,
    /// Held for somebody to decide, or let go again.
    pub hold: Option<bool>,
    /// Recipients that the message has from this line on. Nothing became of them yet.
    pub awaited: Addresses<'a>,
    /// The address whose place those took (a list's, an alias'); empty: the message came with them.
    pub awaited_for: &'a [u8],
    /// They left `previous`, which has no more to say of them.
    pub moved: bool,
    /// Mail that servers send themselves to see whether mail flows, or again to be sure that it was kept: never a message of somebody.
    pub probe: bool,
    /// What became of recipients.
    pub word: Option<Word<'a>>,
    /// Further words, where recipients of one line have different fates.
    pub more: Vec<Word<'a>>,
    pub end: End,
}

/// What another message at the same server has to do with this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Also {
    /// It is a notice about this one.
    Notice(QueueId),
    /// It takes over some of this one's recipients; how many are left is not said.
    Part(QueueId),
}

/// How a message's stay at a server ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// Not with this line; another line will say so.
    #[default]
    Later,
    /// This server logs no end: a message has ended when no recipient is left without a last word.
    WhenDone,
    /// With this line (Exim's `Completed`).
    Now,
    /// With this line, all of it to the next server: recipients without a last word are delivered there.
    HandedOn,
    /// With this line, by hand: recipients without a last word are deleted.
    Deleted,
    /// With this line, dropped by a rule: recipients without a last word are discarded.
    Discarded,
    /// With this line, given up: recipients without a last word have waited too long.
    Expired,
    /// There never was a message: the transaction broke off, or all of it was refused.
    Never,
}

/// One line's word on one recipient, or on several that share it.
#[derive(Clone, Debug, PartialEq)]
pub struct Word<'a> {
    pub recipients: Addresses<'a>,
    /// Of recipients that the server logs as local parts alone.
    pub domain: &'a [u8],
    /// The address before expansion, where it differs.
    pub orig_recipient: &'a [u8],
    pub status: Status,
    pub dsn: &'a [u8],
    pub reply: &'a [u8],
    /// `smtp`, `lmtp` and `relay` go to another server; `local`, `virtual`, `pipe`, `lmtp` and `store` end in a mailbox or program.
    pub transport: &'a [u8],
    pub relay_name: &'a [u8],
    pub relay_ip: &'a [u8],
    /// 0 where the line does not say.
    pub relay_port: u16,
    /// By which the next server knows the message.
    pub next_id: Option<QueueId>,
    pub delays: Delays,
    /// The line says that the connection was encrypted.
    pub tls: bool,
    /// 1; 0 where the line says how things stand, and nothing of a try: neither how often nor when.
    pub tries: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Final(Outcome),
    Deferred,
    /// In the queue, and not tried: it is not time yet. Says less than any try.
    Waiting,
    /// `deliverable`, `undeliverable`, `undeliverable-but-not-cached`: an address was verified, no mail moved.
    Probe(Outcome),
}

impl Statement<'_> {
    /// A line about that message which says nothing of its fate.
    pub fn about(queue_id: QueueId) -> Self {
        Self {
            queue_id,
            begins: false,
            tentative: false,
            session: None,
            arrival: Arrival::Unknown,
            client_name: b"",
            client_ip: b"",
            helo: b"",
            user: b"",
            message_id: b"",
            sender: None,
            subject: None,
            size: None,
            recipient_count: None,
            network_id: b"",
            network_id_per_copy: false,
            revised: false,
            previous: None,
            notice_of: None,
            also: None,
            notice_message_id: b"",
            is_notice: false,
            hold: None,
            awaited: Addresses::NONE,
            awaited_for: b"",
            moved: false,
            probe: false,
            word: None,
            more: Vec::new(),
            end: End::Later,
        }
    }
}

impl<'a> Word<'a> {
    pub fn on(recipients: Addresses<'a>, status: Status) -> Self {
        Self {
            recipients,
            domain: b"",
            orig_recipient: b"",
            status,
            dsn: b"",
            reply: b"",
            transport: b"",
            relay_name: b"",
            relay_ip: b"",
            relay_port: 0,
            next_id: None,
            delays: Delays::default(),
            tls: false,
            tries: 1,
        }
    }
}

/// Addresses in one text, with a byte between them: `<a@b>,<c@d>`, `Ann <a@b>`. Angle brackets and names before them go, and a separator within quotes separates nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses<'a> {
    text: &'a [u8],
    separator: Option<u8>,
}

impl<'a> Addresses<'a> {
    pub const NONE: Self = Self { text: b"", separator: None };

    /// One address, whatever bytes it has; none where the text is empty.
    pub fn one(text: &'a [u8]) -> Self {
        Self { text, separator: None }
    }

    pub fn list(text: &'a [u8], separator: u8) -> Self {
        Self { text, separator: Some(separator) }
    }

    /// As they stand in the line.
    pub fn text(&self) -> &'a [u8] {
        self.text
    }
}

impl<'a> Iterator for Addresses<'a> {
    type Item = &'a [u8];

    /// Nearly always there is one address, or none: that is seen where this is called.
    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        if self.text.is_empty() { None } else { self.first() }
    }
}

impl<'a> Addresses<'a> {
    fn first(&mut self) -> Option<&'a [u8]> {
        while !self.text.is_empty() {
            let end = self.separator.and_then(|separator| unquoted(self.text, separator)).unwrap_or(self.text.len());
            let address = self.text[..end].trim_ascii();
            self.text = self.text.get(end + 1..).unwrap_or_default();
            let bare = unbracketed(address);
            if !bare.is_empty() {
                return Some(bare);
            }
        }
        None
    }
}

fn unbracketed(address: &[u8]) -> &[u8] {
    let Some(inner) = address.strip_suffix(b">") else { return address };
    match inner.strip_prefix(b"<") {
        Some(inner) => inner,
        None => scan::split_last(inner, b" <").map_or(address, |(_, inner)| inner),
    }
}
/// No address is so long. Without an end, quotes that are never closed would be looked for anew for each address.
const ADDRESS_BYTES_MAX: usize = 2_000;

/// Where a byte stands first outside double quotes; where a quote is never closed, as if it were none.
fn unquoted(text: &[u8], wanted: u8) -> Option<usize> {
    // Hardly any address has quotes.
    let first = scan::either(text, wanted, b'"')?;
    if text[first] == wanted {
        return Some(first);
    }
    let (mut quoted, mut escaped) = (false, false);
    for (at, &byte) in text.iter().enumerate().take(ADDRESS_BYTES_MAX) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if byte == wanted && !quoted => return Some(at),
            _ => {}
        }
    }
    if quoted || text.len() > ADDRESS_BYTES_MAX { memchr::memchr(wanted, text) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        Addresses::list(text.as_bytes(), b',').map(|address| String::from_utf8_lossy(address).into_owned()).collect()
    }

    #[test]
    fn lists_of_addresses() {
        assert_eq!(list("<a@b>,<c@d>"), ["a@b", "c@d"]);
        assert_eq!(list(" a@b, c@d ,,"), ["a@b", "c@d"]);
        assert_eq!(list(r#"<"x, y"@b>,<c@d>"#), [r#""x, y"@b"#, "c@d"]);
        assert_eq!(list(r#"<"x@b>,<c@d>"#), [r#""x@b"#, "c@d"]);
        assert_eq!(list(r#"Ann <a@b>,"Bo, M" <c@d>"#), ["a@b", "c@d"]);
        assert_eq!(list("<>"), [""; 0]);
        assert_eq!(Addresses::one(b"\"|/bin/x, y\"").count(), 1);
        assert_eq!(Addresses::list("\\\" ".repeat(30_000).as_bytes(), b' ').count(), 30_000, "in linear time");
    }
}
