//! What one line says of one recipient, and which of several words counts.

use rustc_hash::FxHashSet;
use vigie_formats::{
    postfix::Delivery,
    scan,
    statement::{Status, Word},
};
use vigie_model::{Micros, Outcome, Recipient, Relay, Text};

use crate::text::{Detail, joined, text_of};

/// Whom only the arrival named waits, unless the message is done, or others stand in the place of that address.
pub fn drop_waiting(recipients: &mut Vec<Recipient>, is_done: bool) {
    let waits = |recipient: &Recipient| recipient.attempts == 0 && recipient.outcome == Outcome::Deferred;
    if !recipients.iter().any(waits) {
        return;
    }
    let tried = recipients.iter().filter(|recipient| !waits(recipient));
    let known: FxHashSet<String> = tried
        .flat_map(|recipient| [&recipient.recipient, &recipient.orig_recipient])
        .map(|address| address.to_ascii_lowercase().to_string())
        .collect();
    recipients.retain(|recipient| {
        !waits(recipient) || !is_done && !known.contains(recipient.recipient.to_ascii_lowercase().as_str())
    });
}

/// Which of two words on a recipient counts. A final word beats a deferral, any try beats none, and of two equals the later counts.
/// An address that others replaced may get a copy all the same, which counts whenever it was said; and what a filter held back may be
/// let go. Of two at one time what is counted decides before what is only shown: then [`Detail`] changes no count.
pub fn weight(word: &Recipient) -> impl Ord + use<'_> {
    let is_final = word.outcome.is_final();
    let is_own = word.outcome != Outcome::Forwarded;
    let outcome = (word.outcome != Outcome::Filtered, word.outcome);
    let was_tried = is_final || word.attempts > 0;
    (is_final, is_own, was_tried, word.ts, outcome, word.next_id, &*word.transport, &*word.reply)
}

/// What a delivery agent of Postfix says.
pub fn recipient(ts: Micros, transport: &[u8], outcome: Outcome, delivery: &Delivery<'_>, detail: Detail) -> Recipient {
    let (name, ip, port) = scan::host_ip_port(delivery.relay);
    Recipient {
        recipient: text_of(delivery.recipient),
        orig_recipient: text_of(delivery.orig_recipient),
        outcome,
        ts,
        dsn: detail.shown(delivery.dsn),
        reply: detail.shown(delivery.reply),
        transport: transport_text(transport),
        relay: Relay { name: detail.shown(name), ip: detail.shown(ip), port },
        next_id: delivery.next_id,
        delays: delivery.delays,
        attempts: 1,
        tls: delivery.tls,
        forwarded_to: Vec::new(),
    }
}

/// What any other server says.
pub fn stated(ts: Micros, address: &[u8], word: &Word<'_>, detail: Detail) -> Recipient {
    let outcome = match word.status {
        Status::Final(outcome) | Status::Probe(outcome) => outcome,
        Status::Deferred | Status::Waiting => Outcome::Deferred,
    };
    Recipient {
        recipient: whole_address(address, word.domain),
        orig_recipient: text_of(word.orig_recipient),
        outcome,
        ts,
        dsn: detail.shown(word.dsn),
        reply: detail.shown(word.reply),
        transport: transport_text(word.transport),
        relay: Relay { name: detail.shown(word.relay_name), ip: detail.shown(word.relay_ip), port: word.relay_port },
        next_id: word.next_id,
        delays: word.delays,
        attempts: if word.status == Status::Waiting { 0 } else { word.tries },
        tls: word.tls,
        forwarded_to: Vec::new(),
    }
}

/// Nearly all are one of a few words, which need no look at their bytes.
fn transport_text(transport: &[u8]) -> Text {
    match transport {
        b"smtp" => Text::const_new("smtp"),
        b"lmtp" => Text::const_new("lmtp"),
        b"local" => Text::const_new("local"),
        b"virtual" => Text::const_new("virtual"),
        other => text_of(other),
    }
}

/// Where a server logs local parts alone, they get their domain back.
fn whole_address(address: &[u8], domain: &[u8]) -> Text {
    if domain.is_empty() { text_of(address) } else { joined(&[address, b"@", domain]) }
}
