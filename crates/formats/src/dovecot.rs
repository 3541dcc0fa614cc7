//! Dovecot: the LMTP, LDA and Sieve lines that say what became of a message in the store.

use vigie_model::{Outcome, QueueId};

use crate::{Format, Record as Read, scan};

pub const FORMAT: Format = Format {
    name: "Dovecot",
    read: |envelope| is_dovecot(envelope.program).then(|| Read::Dovecot(parse(envelope.program, envelope.text))),
};

#[derive(Clone, Debug, PartialEq)]
pub enum Record<'a> {
    Stored(Stored<'a>),
    Known,
    Unknown,
}

/// One recipient's fate in one LMTP or LDA session.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored<'a> {
    /// Session with transaction, without recipient number; the server's name for this message.
    pub session: Option<QueueId>,
    pub user: &'a [u8],
    pub message_id: &'a [u8],
    pub action: Action<'a>,
    /// The whole words after the message id.
    pub text: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// Saved, or filed into a mailbox.
    Saved,
    /// Sieve discard: nothing is kept unless another action keeps it.
    Discarded,
    /// Sieve redirect.
    Forwarded(&'a [u8]),
    /// Sieve reject, or over quota after acceptance.
    Rejected,
    /// Vacation, notify, duplicate test: no bearing on the message itself.
    Note,
}

impl Action<'_> {
    /// The strongest action wins where a session logs several for one recipient: a copy kept is a delivery.
    pub fn outcome(self) -> Option<Outcome> {
        match self {
            Action::Saved => Some(Outcome::Delivered),
            Action::Forwarded(_) => Some(Outcome::Forwarded),
            Action::Rejected => Some(Outcome::Bounced),
            Action::Discarded => Some(Outcome::Discarded),
            Action::Note => None,
        }
    }
}

/// Is this tag Dovecot's? Either `dovecot` by syslog, or its own log's `lmtp(user)<pid><session>` and `imap-login`.
pub fn is_dovecot(program: &[u8]) -> bool {
    program == b"dovecot" || own_log_service(program)
}

/// Services as Dovecot's own log file writes them, before `(`, `<`, or a colon.
fn own_log_service(program: &[u8]) -> bool {
    let end = program.iter().position(|&b| matches!(b, b'(' | b'<' | b'[' | b':')).unwrap_or(program.len());
    matches!(
        &program[..end],
        b"lmtp"
            | b"lda"
            | b"imap"
            | b"imap-login"
            | b"pop3"
            | b"pop3-login"
            | b"managesieve"
            | b"managesieve-login"
            | b"auth"
            | b"auth-worker"
            | b"master"
            | b"config"
            | b"log"
            | b"anvil"
            | b"stats"
            | b"dict"
            | b"doveadm"
            | b"replicator"
            | b"aggregator"
            | b"indexer"
            | b"indexer-worker"
            | b"dsync-local"
            | b"dsync-server"
            | b"dsync-remote"
            | b"submission"
            | b"submission-login"
            | b"ssl-params"
            | b"quota-status"
            | b"script"
            | b"director"
            | b"ipc"
            | b"old-stats"
            | b"imap-hibernate"
            | b"imap-urlauth"
            | b"dns-client"
            | b"deliver"
    )
}

/// The session's id without the recipient number: `S:T2:R3` -> `S:T2`.
pub fn session_id(session: &[u8]) -> Option<QueueId> {
    let digits = session.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let without = &session[..session.len() - digits];
    QueueId::new(without.strip_suffix(b":R").unwrap_or(session))
}

/// Reads one line: `program` is the whole tag, `text` the payload. By syslog the service stands in the payload.
pub fn parse<'a>(program: &'a [u8], text: &'a [u8]) -> Record<'a> {
    let (service, text) = if program == b"dovecot" {
        match service(text) {
            Some(parts) => parts,
            None => return Record::Known,
        }
    } else {
        (program, text)
    };
    let (is_debug, text) = (text.starts_with(b"Debug: "), level(text));
    let name_end = service.iter().position(|&b| matches!(b, b'(' | b'<')).unwrap_or(service.len());
    if !matches!(&service[..name_end], b"lmtp" | b"lda" | b"deliver") {
        return Record::Known;
    }
    let (user, session) = user_and_session(&service[name_end..]);
    match (stored(user, session, text), scan::find(text, b"msgid=")) {
        (Some(stored), _) => Record::Stored(stored),
        // Of one message, and in words that are new to us.
        (None, Some(_)) if !is_debug => Record::Unknown,
        _ => Record::Known,
    }
}

/// `lmtp(user)<pid><session>: rest`: the colon after the closing brackets, not one within.
fn service(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut depth = 0i32;
    for (at, &byte) in text.iter().enumerate().take(1024) {
        match byte {
            b'(' | b'<' => depth += 1,
            b')' | b'>' => depth -= 1,
            b':' if depth <= 0 => {
                let rest = &text[at + 1..];
                return Some((&text[..at], rest.strip_prefix(b" ").unwrap_or(rest)));
            }
            _ => {}
        }
    }
    None
}

/// Dovecot's own log file writes the level: `Info: `.
fn level(text: &[u8]) -> &[u8] {
    [&b"Info: "[..], b"Warning: ", b"Error: ", b"Debug: ", b"Fatal: ", b"Panic: "]
        .iter()
        .find_map(|word| text.strip_prefix(*word))
        .unwrap_or(text)
}

/// `(user)<pid><session>`, or before 2.3 `(pid, user)`, where the session follows in the text.
fn user_and_session(text: &[u8]) -> (&[u8], &[u8]) {
    let inner = text.strip_prefix(b"(").unwrap_or(b"");
    let close = memchr::memchr(b')', inner).unwrap_or(inner.len());
    let user = &inner[..close];
    let user = scan::split(user, b", ").map_or(user, |(_, user)| user);
    let session = memchr::memrchr(b'<', text).map_or(&b""[..], |at| &text[at + 1..]);
    (user, session.strip_suffix(b">").unwrap_or(session))
}

fn stored<'a>(user: &'a [u8], session: &'a [u8], text: &'a [u8]) -> Option<Stored<'a>> {
    let at = memchr::memmem::find(text, b"msgid=")?;
    // Before 2.3 the session id stands here: `lmtp(123, user): SESSION: msgid=…`.
    let prefix = text[..at].strip_suffix(b": ").unwrap_or(&text[..at]);
    let prefix = prefix.strip_suffix(b"sieve").unwrap_or(prefix);
    let prefix = prefix.strip_suffix(b": ").unwrap_or(prefix);
    let session = if session.is_empty() { prefix } else { session };
    let rest = &text[at + b"msgid=".len()..];
    let (message_id, action, text) = told(rest)?;
    Some(Stored { session: session_id(session), user, message_id, action, text })
}

/// The message id, and what was done. Sites change `deliver_log_format` (`msgid=%m: %$`), and long ids are cut with three dots.
fn told(text: &[u8]) -> Option<(&[u8], Action<'_>, &[u8])> {
    // A message id may hold what looks like its end and an action; the true one is behind the last such end.
    if let Some((id, words)) = scan::split_last(text, b">: ")
        && let Some(action) = action(words)
    {
        return Some((&text[..id.len() + 1], action, words));
    }
    let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b' ').take(WORDS_MAX);
    let (end, action) = ends.filter_map(|(at, _)| Some((at, action(&text[at + 1..])?))).next()?;
    let id = text[..end].strip_suffix(b":").unwrap_or(&text[..end]);
    let id = if id.starts_with(b"<") {
        scan::byte(id, b'>').map_or(id, |close| &id[..=close])
    } else {
        scan::until(id, b",").0
    };
    Some((id, action, &text[end + 1..]))
}

/// An action is looked for behind so many words: a message id has hardly any spaces.
const WORDS_MAX: usize = 32;

/// What mail-deliver.c and Pigeonhole's actions log, by how it begins. Before it may stand whose words they are: `discard action: `.
fn action(words: &[u8]) -> Option<Action<'_>> {
    let words = match scan::split(words, b" action: ") {
        Some((name, rest)) if !name.is_empty() && name.iter().all(u8::is_ascii_lowercase) => rest,
        _ => words,
    };
    if let Some(rest) = words.strip_prefix(b"forwarded to ") {
        let address = scan::angled(rest, &[]).map_or(rest, |(address, _)| address);
        return Some(Action::Forwarded(address));
    }
    ACTIONS.iter().find(|(begin, _)| words.starts_with(begin)).map(|(_, action)| *action)
}

/// The longer before the shorter that it begins with.
const ACTIONS: &[(&[u8], Action<'_>)] = &[
    (b"saved mail to ", Action::Saved),
    (b"stored mail into mailbox ", Action::Saved),
    (b"marked message to be discarded", Action::Discarded),
    (b"Marked message to be discarded", Action::Discarded),
    // A redirect that was done before: nothing is kept of this copy.
    (b"discarded duplicate forward to ", Action::Discarded),
    (b"Auto-submitted message discarded", Action::Discarded),
    (b"not sending reject message", Action::Discarded),
    // What is thrown away is an answer, not the message.
    (b"discarded vacation ", Action::Note),
    (b"discarded duplicate vacation ", Action::Note),
    (b"discarding vacation ", Action::Note),
    (b"discarded", Action::Discarded),
    (b"rejected message from ", Action::Rejected),
    (b"rejected", Action::Rejected),
    (b"Rejected: ", Action::Rejected),
    (b"save failed to ", Action::Rejected),
    (b"failed to store into mailbox ", Action::Rejected),
    (b"sent ", Action::Note),
    (b"not sending ", Action::Note),
    (b"not forwarding ", Action::Note),
    (b"failed to ", Action::Note),
    (b"left message in mailbox ", Action::Note),
    (b"save to ", Action::Note),
    (b"Return-Path missing", Action::Note),
    (b"Temporarily failed to ", Action::Note),
    (b"Permanently failed to ", Action::Note),
];
