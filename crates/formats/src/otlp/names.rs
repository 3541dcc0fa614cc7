//! Where a line comes from, by the many names that shippers have for it.

use std::borrow::Cow;

/// What is kept of a name. Names of hosts and programs are far shorter.
const NAME_BYTES_MAX: usize = 255;

// Best first: what the mail server itself said, then what the shipper knows of the machine.
/// journald, OpenTelemetry's semantic conventions, its syslog receiver and Vector, Fluent Bit.
const HOST: [&str; 5] = ["_HOSTNAME", "syslog.hostname", "hostname", "host.name", "host"];
const PROGRAM: [&str; 7] =
    ["SYSLOG_IDENTIFIER", "syslog.appname", "appname", "ident", "_COMM", "process.executable.name", "service.name"];
const PID: [&str; 7] = ["SYSLOG_PID", "syslog.procid", "procid", "proc_id", "pid", "_PID", "process.pid"];
const TEXT: [&str; 3] = ["MESSAGE", "message", "log"];

type Slot<'a> = Option<(usize, Cow<'a, [u8]>)>;

/// The attributes that a line is made of. The rest is not kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Names<'a> {
    host: Slot<'a>,
    program: Slot<'a>,
    pid: Slot<'a>,
    text: Slot<'a>,
}

impl<'a> Names<'a> {
    /// Is there a use for an attribute of this name?
    pub(super) fn wants(name: &[u8]) -> bool {
        [&HOST[..], &PROGRAM, &PID, &TEXT].into_iter().flatten().any(|known| known.as_bytes() == name)
    }

    /// Notes an attribute; of several for one thing the best stays.
    pub(super) fn set(&mut self, name: &[u8], value: Cow<'a, [u8]>) {
        let rank = |known: &[&str]| known.iter().position(|known| known.as_bytes() == name);
        if let Some(rank) = rank(&TEXT) {
            keep(&mut self.text, rank, value);
        } else if value.is_empty() || value.len() > NAME_BYTES_MAX || &*value == b"-" {
            // Says nothing, or nothing that is true.
        } else if let Some(rank) = rank(&HOST) {
            if value.iter().all(u8::is_ascii_graphic) {
                keep(&mut self.host, rank, value);
            }
        } else if let Some(rank) = rank(&PROGRAM) {
            if !value.starts_with(b"unknown_service") {
                keep(&mut self.program, rank, value);
            }
        } else if let Some(rank) = rank(&PID)
            && value.iter().all(u8::is_ascii_digit)
        {
            keep(&mut self.pid, rank, value);
        }
    }

    pub(super) fn host(&self) -> Option<&[u8]> {
        value(&self.host)
    }

    pub(super) fn program(&self) -> Option<&[u8]> {
        value(&self.program)
    }

    pub(super) fn pid(&self) -> Option<&[u8]> {
        value(&self.pid)
    }

    /// The message of a body that is a map.
    pub(super) fn text(&self) -> Option<&[u8]> {
        value(&self.text)
    }
}

fn keep<'a>(slot: &mut Slot<'a>, rank: usize, value: Cow<'a, [u8]>) {
    if slot.as_ref().is_none_or(|(known, _)| rank < *known) {
        *slot = Some((rank, value));
    }
}

fn value<'s>(slot: &'s Slot<'_>) -> Option<&'s [u8]> {
    slot.as_ref().map(|(_, value)| &**value)
}
