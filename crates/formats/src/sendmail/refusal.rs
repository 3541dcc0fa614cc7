//! Refusals: by a ruleset (parseaddr.c, `rscheck`), by a milter (srvrsmtp.c), and the server's own.

use vigie_model::{Outcome, QueueId};

use super::{bare, host_ip, said};
use crate::{
    Record,
    refusal::{Refused, Transaction, reply},
    scan,
    statement::{Addresses, End, Statement, Status, Word},
};

const END_OF_MESSAGE: &[u8] = b"END-OF-MESSAGE";

pub fn parse(id: Option<QueueId>, rest: &[u8]) -> Option<Record<'_>> {
    if let Some(check) = rest.strip_prefix(b"ruleset=") {
        return ruleset(id, check);
    }
    if let Some(verdict) = rest.strip_prefix(b"Milter: ") {
        return milter(id, verdict);
    }
    if let Some(verdict) = rest.strip_prefix(b"milter=") {
        return quarantine(id, verdict);
    }
    if rest.starts_with(b"message size (")
        || rest.starts_with(b"header overflow from ")
        || rest.starts_with(b"headers too large (")
    {
        return Some(refused(id, END_OF_MESSAGE, Transaction::default(), rest));
    }
    if let Some(tail) = rest.strip_prefix(b"rejecting commands from ") {
        let (client, _) = scan::split(tail, b" due to pre-greeting traffic")?;
        let (client_name, client_ip) = host_ip(client);
        return Some(refused(id, b"CONNECT", Transaction { client_name, client_ip, ..Transaction::default() }, rest));
    }
    if let Some(tail) = rest.strip_prefix(b"tcpwrappers (") {
        let (client, _) = scan::split(tail, b") rejection")?;
        let (client_name, client_ip) = scan::split(client, b", ")?;
        return Some(refused(id, b"CONNECT", Transaction { client_name, client_ip, ..Transaction::default() }, rest));
    }
    recipient(id?, rest)
}

fn refused<'a>(id: Option<QueueId>, stage: &'a [u8], transaction: Transaction<'a>, text: &'a [u8]) -> Record<'a> {
    let (code, dsn, text) = reply(text);
    let text = about(text).map_or(text, |(_, text)| text);
    Record::Refused(Refused { queue_id: id, stage, transaction, code, dsn, text, ..Refused::default() })
}

/// `<a@b>... User unknown`: the address that a word of the server is about, and the word (err.c, `fmtmsg`).
fn about(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (address, text) = match scan::angled(text, &[b"... "]) {
        Some((address, rest)) => (address, rest.strip_prefix(b"... ")?),
        None => scan::split(text, b"... ").filter(|(address, _)| !address.contains(&b' '))?,
    };
    (!address.is_empty()).then_some((address, text))
}

/// `QID: <a@b>... User unknown`: only errors of RCPT are logged so (srvrsmtp.c, `LogUsrErrs`). Their code is not.
fn recipient(id: QueueId, rest: &[u8]) -> Option<Record<'_>> {
    let (recipient, text) = about(rest)?;
    Some(refused(Some(id), b"RCPT", Transaction { recipient, ..Transaction::default() }, text))
}

/// `ruleset=check_rcpt, arg1=<a@b>, [arg2=,] relay=host [ip], reject=550 5.7.1 text`, `…, discard`, `…, quarantine=text`.
fn ruleset(id: Option<QueueId>, rest: &[u8]) -> Option<Record<'_>> {
    let (name, rest) = scan::split(rest, b", ")?;
    let stage: &[u8] = match name {
        b"check_relay" => b"CONNECT",
        b"check_mail" | b"trust_auth" => b"MAIL",
        b"check_rcpt" => b"RCPT",
        b"check_data" => b"DATA",
        b"check_vrfy" => b"VRFY",
        b"check_expn" => b"EXPN",
        b"check_etrn" => b"ETRN",
        // Asked for each recipient of a message that was accepted, or of a connection to another server: a `to=` line says the rest.
        b"check_compat" | b"tls_server" | b"tls_rcpt" | b"try_tls" | b"authinfo" => return Some(Record::Known),
        b"tls_client" => b"STARTTLS",
        // check_eom, and whatever is asked of header lines.
        _ => END_OF_MESSAGE,
    };
    let (arguments, verdict) = match scan::split(rest, b", reject=") {
        Some(parts) => parts,
        None => return dropped(id, stage, rest),
    };
    Some(refused(id, stage, transaction(stage, arguments), verdict))
}

/// `arg1=A, arg2=B, relay=host [ip]`.
fn transaction<'a>(stage: &[u8], arguments: &'a [u8]) -> Transaction<'a> {
    let mut transaction = Transaction::default();
    let rest = match scan::split_last(arguments, b", relay=") {
        Some((rest, relay)) => {
            (transaction.client_name, transaction.client_ip) = host_ip(relay);
            rest
        }
        None => arguments,
    };
    let rest = rest.strip_prefix(b"arg1=").unwrap_or_default();
    let (first, second) = scan::until(rest, b", arg2=");
    match stage {
        b"RCPT" => transaction.recipient = bare(first),
        b"MAIL" => transaction.sender = bare(first),
        b"CONNECT" if transaction.client_ip.is_empty() => {
            (transaction.client_name, transaction.client_ip) = (first, second);
        }
        _ => {}
    }
    transaction
}

/// A ruleset that drops or keeps the message, instead of refusing it.
fn dropped<'a>(id: Option<QueueId>, stage: &[u8], rest: &'a [u8]) -> Option<Record<'a>> {
    let Some(id) = id else { return Some(Record::Known) };
    if let Some(arguments) = rest.strip_suffix(b", discard") {
        let transaction = transaction(stage, arguments);
        return Some(discarded(id, transaction.recipient));
    }
    scan::find(rest, b", quarantine=").map(|_| super::held(id, true))
}

/// The whole message is accepted and dropped. It is said of the recipient for whom it was decided.
fn discarded(id: QueueId, recipient: &[u8]) -> Record<'_> {
    let word = Word::on(Addresses::one(recipient), Status::Final(Outcome::Discarded));
    let word = (!recipient.is_empty()).then_some(word);
    said(Statement { end: End::Discarded, word, ..Statement::about(id) })
}

/// `Milter: to=<a@b>, reject=550 5.7.1 text`, `Milter: data, discard`, `Milter: cmd=data, reject=…`, `Milter: helo=x, reject=…`,
/// `Milter: connect: host=, addr=, reject=…`. What else milters do is of no consequence.
fn milter(id: Option<QueueId>, rest: &[u8]) -> Option<Record<'_>> {
    let (what, verdict) = match scan::split(rest, b", reject=") {
        Some((what, verdict)) => (what, Some(verdict)),
        None => (rest.strip_suffix(b", discard")?, None),
    };
    let (stage, transaction) = subject(what)?;
    match (verdict, id) {
        (Some(text), _) => Some(refused(id, stage, transaction, text)),
        (None, Some(id)) => Some(discarded(id, transaction.recipient)),
        (None, None) => Some(Record::Known),
    }
}

/// At which stage a milter spoke, and of whom.
fn subject(what: &[u8]) -> Option<(&[u8], Transaction<'_>)> {
    let mut transaction = Transaction::default();
    let stage: &[u8] = match what {
        b"data" => END_OF_MESSAGE,
        b"cmd=data" => b"DATA",
        _ => {
            if let Some(recipient) = what.strip_prefix(b"to=") {
                transaction.recipient = bare(recipient);
                b"RCPT"
            } else if let Some(sender) = what.strip_prefix(b"from=") {
                transaction.sender = bare(sender);
                b"MAIL"
            } else if let Some(helo) = what.strip_prefix(b"helo=") {
                transaction.helo = helo;
                b"HELO"
            } else {
                let (name, ip) = scan::split(what.strip_prefix(b"connect: host=")?, b", addr=")?;
                (transaction.client_name, transaction.client_ip) = (name, ip);
                b"CONNECT"
            }
        }
    };
    Some((stage, transaction))
}

/// `milter=NAME, quarantine=text`. What a milter refuses or drops is said again, for the whole, in a line of `Milter: `.
fn quarantine(id: Option<QueueId>, rest: &[u8]) -> Option<Record<'_>> {
    let (_, verdict) = scan::split(rest, b", ")?;
    match id {
        Some(id) if verdict.starts_with(b"quarantine=") => Some(super::held(id, true)),
        _ => Some(Record::Known),
    }
}
