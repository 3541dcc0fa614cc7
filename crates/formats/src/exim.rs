//! Exim: main log and reject log, as files of its own or through syslog.
//!
//! `DATE TIME[.ms] [+ZONE] [[pid]] ID FLAG …` (spec.xfpt, "Log files"). What `log_selector` adds stands anywhere behind the flag and is
//! read from left to right; what a sender may choose (subject, message id, HELO) is read within its quotes or brackets.
//!
//! Through syslog a long entry comes in pieces, `[1/3] …`, each a line of its own (log.c, write_syslog). Lines are read one by one, so
//! only the first piece is read: it has the flag, the address and what stands next to it. What the others hold (the end of a list of
//! recipients, of a subject, of a reply) stays empty, and of the first piece what may have been cut in the middle.

mod arrival;
mod chatter;
mod delivery;
mod fields;
mod opening;
mod refusal;

use vigie_model::{Outcome, QueueId};

use self::opening::Opening;
use crate::{
    Format, Record,
    envelope::Envelope,
    scan,
    statement::{Addresses, End, Statement, Status, Word},
};

/// By syslog, or as a container's output.
pub const FORMAT: Format = Format {
    name: "Exim",
    read: |envelope| if is_exim(envelope.program) { Some(syslog(envelope)) } else { contained(envelope.text) },
};

/// Its own files, which name no program.
pub const OWN_LOG: Format = Format { name: "Exim's own log", read: |envelope| own_log(envelope.text) };

/// `exim`, `exim4`, `exim-out`: Debian's names, and what `syslog_processname` is usually set to.
fn is_exim(program: &[u8]) -> bool {
    program.starts_with(b"exim")
}

/// Lines about a message have its id; of the others only refusals matter.
fn own_log(text: &[u8]) -> Option<Record<'_>> {
    let text = opening::without_pid(text);
    match opening::id(text) {
        Some((id, rest)) => Some(of_message(id, rest, false)),
        None => refusal::parse(None, text).map(Record::Refused),
    }
}

/// Is the first word a message's id?
#[inline]
pub fn begins_with_id(text: &[u8]) -> bool {
    opening::id_length(text).is_some_and(|length| matches!(text.get(length), None | Some(b' ')))
}

/// A container's output, or a program that calls itself something else: only what can be nothing but Exim's.
fn contained(text: &[u8]) -> Option<Record<'_>> {
    // Two bytes tell nearly every other line apart.
    if !matches!((text.get(6), text.get(7), text.get(4)), (Some(b'-'), ..) | (_, Some(b'-'), Some(b'-'))) {
        return None;
    }
    let Opening { text, .. } = opening::read(text);
    let (id, rest) = opening::id(text)?;
    let is_flag = matches!(rest.get(..3)?, b"<= " | b"=> " | b"-> " | b">> " | b"*> " | b"** " | b"== " | b"(= ");
    if !is_flag && rest != b"Completed" {
        return None;
    }
    Some(of_message(id, rest, false)).filter(|record| !record.is_unknown())
}

fn syslog<'a>(envelope: &Envelope<'a>) -> Record<'a> {
    let opening = opening::read(envelope.text);
    if opening.is_continuation {
        return Record::Known;
    }
    let mut told = match opening::id(opening.text) {
        Some((id, rest)) => of_message(id, rest, opening.is_cut),
        None => match refusal::parse(None, opening.text) {
            Some(refused) => Record::Refused(refused),
            None if chatter::is_known(opening.text) => Record::Known,
            None => Record::Unknown,
        },
    };
    if let Record::Refused(refused) = &mut told {
        // The reject log is the same syslog unless `syslog_duplication` is off.
        refused.copy_mark = opening::mark(envelope.pid, opening.entry);
    }
    told
}

/// What a line about one message says.
pub fn of_message(id: QueueId, text: &[u8], is_cut: bool) -> Record<'_> {
    let text = if is_cut { without_last_word(text) } else { text };
    type Fill = for<'a> fn(&mut Statement<'a>, &'a [u8]) -> Option<()>;
    let fill: Fill = match text.get(..3).unwrap_or_default() {
        b"<= " | b"(= " => arrival::fill,
        b"=> " | b"-> " | b">> " => delivery::delivered,
        b"*> " => delivery::suppressed,
        b"** " => delivery::failed,
        b"== " => delivery::deferred,
        _ => return sentence(id, text),
    };
    let mut statement = about(id);
    match fill(&mut statement, &text[3..]) {
        Some(()) => Record::Statement(statement),
        None => Record::Unknown,
    }
}

/// Written where it stays, and filled there: a statement is too large to be moved about for each line.
fn about<'a>(id: QueueId) -> Box<Statement<'a>> {
    Box::write(Box::new_uninit(), Statement::about(id))
}

/// The cut may have gone through a word: half a message id would be another message's.
fn without_last_word(text: &[u8]) -> &[u8] {
    memchr::memrchr(b' ', text).map_or(text, |at| &text[..at])
}

/// What Exim says in words.
fn sentence(id: QueueId, text: &[u8]) -> Record<'_> {
    if let Some(rest) = text.strip_prefix(b"Completed")
        && matches!(rest.first(), None | Some(b' '))
    {
        return ending(id, End::Now);
    }
    if let Some(refused) = refusal::parse(Some(id), text) {
        return Record::Refused(refused);
    }
    if let Some(statement) = by_hand(id, text) {
        return Record::Statement(Box::new(statement));
    }
    if chatter::is_of_queue(text) {
        return Record::Statement(about(id));
    }
    if chatter::is_known(text) { Record::Known } else { Record::Unknown }
}

fn ending<'a>(id: QueueId, end: End) -> Record<'a> {
    let mut statement = about(id);
    statement.end = end;
    Record::Statement(statement)
}

/// Does this line without a time go on with the entry above it? A warning's second line begins with a space; the reject log shows the
/// envelope and the headers of what was refused after DATA, each with a letter for its kind before it (log.c).
pub fn continues(raw: &[u8]) -> bool {
    match raw {
        [b' ' | b'\t', ..] => true,
        [b'A'..=b'Z' | b'*', b' ', rest @ ..] => {
            let name = scan::byte(rest, b':').map_or(&b""[..], |end| &rest[..end]);
            !name.is_empty() && name.iter().all(|byte| byte.is_ascii_graphic())
        }
        _ => [&b"Envelope-from: <"[..], b"Envelope-to: <", b"*** truncated ***"]
            .iter()
            .any(|start| raw.starts_with(start)),
    }
}

/// What an administrator does with a message (queue.c), and freezing, which waits for one.
fn by_hand(id: QueueId, text: &[u8]) -> Option<Statement<'_>> {
    let starts = |words: &[&[u8]]| words.iter().any(|word| text.starts_with(word));
    let about = Statement::about(id);
    // `Frozen (delivery error message)`, `frozen by root`; each queue run says `Message is frozen`.
    if starts(&[b"Frozen", b"frozen by ", b"Message is frozen"]) {
        return Some(Statement { hold: Some(true), ..about });
    }
    if starts(&[b"Unfrozen by ", b"unfrozen by "]) {
        return Some(Statement { hold: Some(false), ..about });
    }
    if starts(&[b"removed by "]) {
        return Some(Statement { end: End::Deleted, ..about });
    }
    let (address, rest) = scan::angled(text.strip_prefix(b"address ")?, &[b" marked delivered by "])?;
    let word = Word::on(Addresses::one(address), Status::Final(Outcome::Deleted));
    rest.starts_with(b" marked delivered by ").then_some(Statement { word: Some(word), ..about })
}
