//! Mail that Exchange's own monitoring (Managed Availability) sends to see whether mail flows. On a small server it is most of the mail.

use crate::statement::Addresses;

/// Senders of probes from outside, and the beginning of the mailboxes' names.
const SENDERS: &[&[u8]] = &[b"inboundproxy@inboundproxy.com", b"maildeliveryprobe@maildeliveryprobe.com"];
const MAILBOX: &[u8] = b"healthmailbox";

/// From a probe, or to none but probes' mailboxes.
pub fn is_probe(sender: &[u8], return_path: &[u8], recipients: Addresses<'_>) -> bool {
    let mut recipients = recipients.peekable();
    [sender, return_path].into_iter().any(|address| is_mailbox(address) || is_sender(address))
        || (recipients.peek().is_some() && recipients.all(is_mailbox))
}

fn is_sender(address: &[u8]) -> bool {
    SENDERS.iter().any(|sender| address.eq_ignore_ascii_case(sender))
}

fn is_mailbox(address: &[u8]) -> bool {
    address.get(..MAILBOX.len()).is_some_and(|name| name.eq_ignore_ascii_case(MAILBOX))
}
