//! A connection to an IMAP server: its bytes in, what is said to it out, and what the copies in one mailbox tell. No socket, no clock.
//!
//! The mailbox is opened by EXAMINE, which lets nothing be changed, and headers are asked for by `BODY.PEEK`, which marks nothing as
//! read; no command that alters, marks, moves or removes is known here, and none that asks for a body.
//!
//! Copies are read in ranges of UIDs, in order. A range counts as read when [`Session::stored`] says that what it told is safe.

use std::collections::VecDeque;

use vigie_formats::JournalCopy;
use vigie_formats::mailbox::CopyPlace;
use vigie_milter::mime::structure::{Branch, told};
use vigie_model::{Micros, Text};

use crate::answer::{Scanner, plain};
use crate::fetch::{Fetched, fetched};
use crate::header::{self, FIELDS, JOURNAL_REPORT};
use crate::login::Account;
use crate::received::Servers;
use crate::wire::{Further, Response, TooLarge, Wire};

/// UIDs that are asked for at once. Where none of them is there any more, the next range is twice as wide, up to the most.
const RANGE_UIDS: u32 = 200;
const RANGE_UIDS_MAX: u32 = 800;
/// So often a server may fail to give one copy before it is left out, so that one that it cannot read does not hold up all others.
pub const TRIES_MAX: u32 = 5;

/// How far a mailbox was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Other than this, and all UIDs mean something else. 0: nothing was read yet.
    pub validity: u32,
    /// The first that was not read.
    pub next_uid: u32,
    /// How often the server failed to give just this one.
    pub tries: u32,
}

/// A line to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct ToldCopy {
    pub place: CopyPlace,
    /// When the server took the message.
    pub received: Micros,
    /// As Vigie calls it.
    pub server: String,
    pub copy: JournalCopy,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// TLS is to begin now; then [`Session::secured`].
    StartTls,
    /// The mailbox has been made anew: it is read from its beginning.
    Anew { before: u32 },
    /// A range was read; store what it told, then [`Session::stored`].
    Range(Range),
    /// Everything that is there was read; ask again by [`Session::look`].
    UpToDate,
}

/// What a range of UIDs gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Range {
    /// In order of their UIDs.
    pub copies: Vec<ToldCopy>,
    /// Copies of messages that passed none of the servers, or have no name: nothing can be told of them.
    pub strangers: u64,
    /// Copies that the server did not give in a form that can be read.
    pub unreadable: u64,
}

/// Why the connection is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("it does not speak IMAP: {0}")]
    NotImap(String),
    #[error("it closes the connection: {0}")]
    Bye(String),
    #[error("it does not offer STARTTLS")]
    NoStartTls,
    #[error("it sent something before TLS began, which anybody could have put there")]
    EarlyBytes,
    #[error("it takes no password: neither LOGIN nor AUTHENTICATE PLAIN is offered")]
    NoLogin,
    #[error("it refuses the login: {0}")]
    Login(String),
    #[error("it does not open the folder: {0}")]
    Folder(String),
    #[error("it says no UIDVALIDITY of the folder, without which nobody can tell what was read")]
    NoValidity,
    #[error("it does not give the copies: {0}")]
    Fetch(String),
    #[error("it announces a text of {0} bytes")]
    TooLarge(u64),
}

/// One connection.
#[derive(Debug)]
pub struct Session {
    wire: Wire,
    account: Account,
    folder: Vec<u8>,
    servers: Servers,
    wants_tls: bool,
    progress: Progress,
    state: State,
    tags: u32,
    offered: Offered,
    seen: Seen,
    width: u32,
    range: Range,
    reports: VecDeque<Report>,
    commands: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Greeting,
    Capability,
    StartTls,
    /// Waits for [`Session::secured`].
    BeforeTls,
    Login,
    Examine,
    /// UIDs from the first to the last.
    Fetch(u32, u32),
    /// The message in a journal report, in the same range.
    Report(u32, u32),
    /// Waits for [`Session::stored`], of UIDs up to this.
    Told(u32),
    /// Waits for [`Session::look`].
    Idle,
}

/// What the server can do, as far as it matters.
#[derive(Clone, Copy, Debug, Default)]
struct Offered {
    starttls: bool,
    no_login: bool,
    plain: bool,
}

/// What the server says of the folder.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    validity: Option<u32>,
    uid_next: Option<u32>,
}

/// A message that holds the journaled one.
#[derive(Debug)]
struct Report {
    uid: u32,
    /// Which of its parts that is, from 1 on.
    part: usize,
    message: Option<Branch>,
    arrived: Option<Micros>,
}

impl Session {
    /// Begins, with the server's greeting to come. `wants_tls`: by STARTTLS, before anything is said.
    pub fn new(account: Account, folder: &str, servers: Servers, wants_tls: bool, progress: Progress) -> Session {
        Session {
            wire: Wire::default(),
            account,
            folder: crate::login::mailbox_name(folder),
            servers,
            wants_tls,
            progress,
            state: State::Greeting,
            tags: 0,
            offered: Offered::default(),
            seen: Seen::default(),
            width: RANGE_UIDS,
            range: Range::default(),
            reports: VecDeque::new(),
            commands: 0,
        }
    }

    /// How far it has come, with what [`Session::stored`] was told.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Commands that were sent.
    pub fn commands(&self) -> u64 {
        self.commands
    }

    /// Whether the server owes an answer.
    pub fn is_waiting(&self) -> bool {
        !matches!(self.state, State::BeforeTls | State::Told(_) | State::Idle)
    }

    /// Takes what came, cut anywhere; adds what is to be sent to `out`, and tells what happened. After a fault the connection is to be
    /// closed; [`Session::progress`] still says from where to go on.
    pub fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>, mut tell: impl FnMut(Event)) -> Result<(), Fault> {
        let mut rest = bytes;
        let mut wire = std::mem::take(&mut self.wire);
        let mut outcome = Ok(());
        while !rest.is_empty() && outcome.is_ok() {
            if self.state == State::BeforeTls {
                outcome = Err(Fault::EarlyBytes);
                break;
            }
            let taken = wire.take(rest, |response| {
                outcome = self.response(&response, out, &mut tell);
                let is_over = outcome.is_err() || self.state == State::BeforeTls;
                if is_over { Further::Stop } else { Further::GoOn }
            });
            match taken {
                Ok(taken) => rest = &rest[taken..],
                Err(TooLarge(size)) => outcome = Err(Fault::TooLarge(size)),
            }
        }
        self.wire = wire;
        outcome
    }

    /// TLS has begun.
    pub fn secured(&mut self, out: &mut Vec<u8>) {
        if self.state == State::BeforeTls {
            self.wants_tls = false;
            self.ask_capability(out);
        }
    }

    /// What the last range told is safe: the next one.
    pub fn stored(&mut self, out: &mut Vec<u8>, tell: impl FnMut(Event)) {
        if let State::Told(last) = self.state {
            self.progress = Progress { next_uid: last.saturating_add(1), tries: 0, ..self.progress };
            self.fetch_next(out, tell);
        }
    }

    /// Looks whether something new has come.
    pub fn look(&mut self, out: &mut Vec<u8>) {
        if self.state == State::Idle {
            self.examine(out);
        }
    }

    fn response(&mut self, response: &Response, out: &mut Vec<u8>, tell: &mut impl FnMut(Event)) -> Result<(), Fault> {
        let mut scanner = Scanner::new(response);
        if self.state == State::Greeting {
            return self.greeting(&mut scanner, out);
        }
        if scanner.byte(b'+').is_some() {
            return self.go_ahead(out);
        }
        let Some(tag) = scanner.word() else { return Err(Fault::NotImap(plain(&response.text))) };
        scanner.spaces();
        if tag == b"*" {
            return self.untagged(&mut scanner, response.is_cut);
        }
        if tag != self.tag().as_bytes() {
            return Err(Fault::NotImap(plain(&response.text)));
        }
        let is_ok = scanner.is_word("OK").is_some();
        if !is_ok {
            scanner.word();
        }
        let said = plain(scanner.rest());
        self.tagged(if is_ok { Ok(()) } else { Err(said) }, out, tell)
    }

    fn greeting(&mut self, scanner: &mut Scanner<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        let said = || plain(Scanner::rest(scanner));
        let all = said();
        if scanner.is_word("*").is_none() {
            return Err(Fault::NotImap(all));
        }
        scanner.spaces();
        if scanner.is_word("BYE").is_some() {
            return Err(Fault::Bye(plain(scanner.rest())));
        }
        // PREAUTH: somebody who knows us by other means. Without a TLS that was asked for nobody is known.
        let is_known = scanner.is_word("PREAUTH").is_some();
        if !is_known && scanner.is_word("OK").is_none() {
            return Err(Fault::NotImap(all));
        }
        if is_known && self.wants_tls {
            return Err(Fault::NoStartTls);
        }
        if is_known {
            self.examine(out);
        } else {
            self.ask_capability(out);
        }
        Ok(())
    }

    fn go_ahead(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        if self.state == State::Login && self.account.waits() {
            out.extend(self.account.plain());
            return Ok(());
        }
        Err(Fault::NotImap("it waits for something that was not begun".to_owned()))
    }

    fn untagged(&mut self, scanner: &mut Scanner<'_>, is_cut: bool) -> Result<(), Fault> {
        let Some(word) = scanner.word() else { return Ok(()) };
        scanner.spaces();
        match word.to_ascii_uppercase().as_slice() {
            b"BYE" => return Err(Fault::Bye(plain(scanner.rest()))),
            b"CAPABILITY" if self.state == State::Capability => self.capability(scanner),
            b"OK" if self.state == State::Examine => self.code(scanner),
            number if number.iter().all(u8::is_ascii_digit) && scanner.is_word("FETCH").is_some() => {
                scanner.spaces();
                self.fetched(&fetched(scanner, is_cut));
            }
            _ => {}
        }
        Ok(())
    }

    fn capability(&mut self, scanner: &mut Scanner<'_>) {
        let words = scanner.rest().split(|byte| *byte == b' ').map(<[u8]>::to_ascii_uppercase);
        let mut offered = Offered::default();
        for word in words {
            match word.as_slice() {
                b"STARTTLS" => offered.starttls = true,
                b"LOGINDISABLED" => offered.no_login = true,
                b"AUTH=PLAIN" => offered.plain = true,
                _ => {}
            }
        }
        self.offered = offered;
    }

    /// `[UIDVALIDITY 7]`, `[UIDNEXT 8]`
    fn code(&mut self, scanner: &mut Scanner<'_>) {
        let Some(code) = scanner.rest().strip_prefix(b"[") else { return };
        let code = code.split(|byte| *byte == b']').next().unwrap_or_default().to_ascii_uppercase();
        let mut words = code.split(|byte| *byte == b' ');
        let (name, number) = (words.next(), words.next().and_then(|word| std::str::from_utf8(word).ok()?.parse().ok()));
        match name {
            Some(b"UIDVALIDITY") => self.seen.validity = number.filter(|&validity| validity > 0),
            Some(b"UIDNEXT") => self.seen.uid_next = number,
            _ => {}
        }
    }

    fn tagged(
        &mut self,
        answer: Result<(), String>,
        out: &mut Vec<u8>,
        tell: &mut impl FnMut(Event),
    ) -> Result<(), Fault> {
        match (self.state, answer) {
            (State::Capability, Ok(())) => return self.log_in(out),
            (State::Capability, Err(said)) => return Err(Fault::NotImap(said)),
            (State::StartTls, Ok(())) => {
                self.state = State::BeforeTls;
                tell(Event::StartTls);
            }
            (State::StartTls, Err(_)) => return Err(Fault::NoStartTls),
            (State::Login, Ok(())) => self.examine(out),
            (State::Login, Err(said)) => return Err(Fault::Login(said)),
            (State::Examine, Ok(())) => return self.examined(out, tell),
            (State::Examine, Err(said)) => return Err(Fault::Folder(said)),
            (State::Fetch(_, last) | State::Report(_, last), Ok(())) => self.next_report(last, out, tell),
            (State::Fetch(first, last), Err(said)) => return self.not_fetched(first, last, said, out, tell),
            (State::Report(_, last), Err(_)) => {
                // The report is there, and what is in it does not come: it cannot be told of.
                self.range.unreadable += 1;
                self.reports.pop_front();
                self.next_report(last, out, tell);
            }
            (State::Greeting | State::BeforeTls | State::Told(_) | State::Idle, _) => {
                return Err(Fault::NotImap("it answers what nobody asked".to_owned()));
            }
        }
        Ok(())
    }

    fn log_in(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        if self.wants_tls {
            if !self.offered.starttls {
                return Err(Fault::NoStartTls);
            }
            self.send(State::StartTls, b"STARTTLS", out);
            return Ok(());
        }
        let can_log_in = !self.offered.no_login && self.account.is_plain_text();
        let command = match (can_log_in, self.offered.plain) {
            (true, _) => self.account.login(),
            (false, true) => self.account.authenticate(),
            (false, false) => return Err(Fault::NoLogin),
        };
        self.send(State::Login, &command, out);
        Ok(())
    }

    fn examine(&mut self, out: &mut Vec<u8>) {
        self.seen = Seen::default();
        let command = [b"EXAMINE ", &*self.folder].concat();
        self.send(State::Examine, &command, out);
    }

    fn examined(&mut self, out: &mut Vec<u8>, tell: &mut impl FnMut(Event)) -> Result<(), Fault> {
        let validity = self.seen.validity.ok_or(Fault::NoValidity)?;
        if validity != self.progress.validity {
            if self.progress.validity != 0 {
                tell(Event::Anew { before: self.progress.validity });
            }
            self.progress = Progress { validity, next_uid: 1, tries: 0 };
            self.width = RANGE_UIDS;
        }
        self.fetch_next(out, tell);
        Ok(())
    }

    fn fetch_next(&mut self, out: &mut Vec<u8>, mut tell: impl FnMut(Event)) {
        let first = self.progress.next_uid.max(1);
        // A server that does not say which UID comes next is asked for all that follow: the last one is always among them.
        let end = self.seen.uid_next.unwrap_or(u32::MAX);
        if first >= end {
            self.state = State::Idle;
            return tell(Event::UpToDate);
        }
        let last = first.saturating_add(self.width - 1).min(end - 1);
        let asked = if self.seen.uid_next.is_some() { format!("{first}:{last}") } else { format!("{first}:*") };
        let last = if self.seen.uid_next.is_some() { last } else { u32::MAX };
        self.range = Range::default();
        let command = format!(
            "UID FETCH {asked} (UID INTERNALDATE RFC822.SIZE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS ({FIELDS})])"
        );
        self.send(State::Fetch(first, last), command.as_bytes(), out);
    }

    /// The server gives part of the range, or nothing: half of it is asked for, and at last the one that it cannot give is left out.
    fn not_fetched(
        &mut self,
        first: u32,
        last: u32,
        said: String,
        out: &mut Vec<u8>,
        tell: &mut impl FnMut(Event),
    ) -> Result<(), Fault> {
        self.reports.clear();
        self.range = Range::default();
        if first < last {
            self.width = (last - first).div_ceil(2).clamp(1, RANGE_UIDS_MAX / 2);
            self.fetch_next(out, tell);
            return Ok(());
        }
        self.progress.tries += 1;
        if self.progress.tries < TRIES_MAX {
            return Err(Fault::Fetch(said));
        }
        self.range.unreadable = 1;
        self.state = State::Told(last);
        tell(Event::Range(std::mem::take(&mut self.range)));
        Ok(())
    }

    fn fetched(&mut self, fetched: &Fetched<'_>) {
        let Some(uid) = fetched.uid else {
            if fetched.header.is_some() || fetched.is_cut {
                self.range.unreadable += 1;
            }
            return;
        };
        match self.state {
            State::Fetch(first, last) if (first..=last).contains(&uid) && fetched.header.is_some() => {
                let is_known = self.range.copies.iter().any(|copy| copy.place.uid == uid);
                if !is_known && !self.reports.iter().any(|report| report.uid == uid) {
                    self.found(uid, fetched);
                }
            }
            State::Report(..) if fetched.header.is_some() => {
                if let Some(report) = self.reports.pop_front_if(|report| report.uid == uid) {
                    let arrived = report.arrived;
                    self.tell_of(uid, fetched, report.message.as_ref(), arrived);
                }
            }
            _ => {}
        }
    }

    fn found(&mut self, uid: u32, fetched: &Fetched<'_>) {
        let header = fetched.header.as_deref().unwrap_or_default();
        let fields = header::fields(header);
        let is_report = header::values(&fields, JOURNAL_REPORT).next().is_some();
        let parts = fetched.structure.as_ref().map_or(&[][..], |root| &root.parts);
        let message = parts.iter().position(|part| part.content_type.starts_with(b"message/"));
        match message.filter(|_| is_report) {
            Some(at) => {
                let message = parts[at].parts.first().cloned();
                self.reports.push_back(Report { uid, part: at + 1, message, arrived: fetched.arrived });
            }
            None => self.tell_of(uid, fetched, fetched.structure.as_ref(), fetched.arrived),
        }
    }

    fn tell_of(&mut self, uid: u32, fetched: &Fetched<'_>, root: Option<&Branch>, arrived: Option<Micros>) {
        let fields = header::fields(fetched.header.as_deref().unwrap_or_default());
        let Some(received) = self.servers.find(header::values(&fields, b"received")) else {
            self.range.strangers += 1;
            return;
        };
        let mut told = told(fields.iter().copied(), root);
        told.content.cut |= fetched.is_cut;
        let is_named = received.queue_id.is_some() || !told.message_id.is_empty();
        let Some(at) = received.at.or(arrived).filter(|_| is_named) else {
            self.range.strangers += 1;
            return;
        };
        self.range.copies.push(ToldCopy {
            place: CopyPlace { validity: self.progress.validity, uid },
            received: at,
            server: received.server,
            copy: JournalCopy {
                queue_id: received.queue_id,
                message_id: told.message_id,
                subject: Text::from(&*told.subject),
                content: Box::new(told.content),
            },
        });
    }

    /// Reports first; then the range is whole.
    fn next_report(&mut self, last: u32, out: &mut Vec<u8>, tell: &mut impl FnMut(Event)) {
        if let State::Report(uid, _) = self.state
            && self.reports.pop_front_if(|report| report.uid == uid).is_some()
        {
            // It was removed in between.
            self.range.unreadable += 1;
        }
        if let Some(report) = self.reports.front() {
            let (uid, part) = (report.uid, report.part);
            let command = format!("UID FETCH {uid} (UID BODY.PEEK[{part}.HEADER.FIELDS ({FIELDS})])");
            return self.send(State::Report(uid, last), command.as_bytes(), out);
        }
        let mut range = std::mem::take(&mut self.range);
        range.copies.sort_by_key(|copy| copy.place);
        let is_empty = range.copies.is_empty() && range.strangers + range.unreadable == 0;
        self.width = if is_empty { (2 * self.width).min(RANGE_UIDS_MAX) } else { RANGE_UIDS };
        // Of an open range only what came was read: something may have come meanwhile.
        let last = if last == u32::MAX { self.newest(&range) } else { last };
        self.state = State::Told(last);
        if self.seen.uid_next.is_none() {
            self.seen.uid_next = Some(last.saturating_add(1));
        }
        tell(Event::Range(range));
    }

    fn newest(&self, range: &Range) -> u32 {
        let newest = range.copies.last().map(|copy| copy.place.uid);
        newest.unwrap_or(0).max(self.progress.next_uid.saturating_sub(1))
    }

    fn ask_capability(&mut self, out: &mut Vec<u8>) {
        self.offered = Offered::default();
        self.send(State::Capability, b"CAPABILITY", out);
    }

    fn send(&mut self, state: State, command: &[u8], out: &mut Vec<u8>) {
        self.tags = self.tags.wrapping_add(1);
        self.commands += 1;
        self.state = state;
        out.extend_from_slice(self.tag().as_bytes());
        out.push(b' ');
        out.extend_from_slice(command);
        out.extend_from_slice(b"\r\n");
    }

    fn tag(&self) -> String {
        format!("v{}", self.tags)
    }
}

#[cfg(test)]
mod tests;
