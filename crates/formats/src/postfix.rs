//! Postfix: the payload of one line -> one record. Sources cited are files of the Postfix 3.7 distribution.
//!
//! A line is a record, known and of no consequence ([`Record::Known`]), or unknown; nothing is guessed.

mod delivery;
mod queue;
mod refusal;

use vigie_model::{Delays, QueueId};

pub use delivery::accepted;
pub use queue::queue_id;

use crate::{
    refusal::{Refused, Transaction},
    statement::Status,
};

/// The programs of Postfix, as far as their lines differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Daemon {
    Smtpd,
    Postscreen,
    Pickup,
    Cleanup,
    Qmgr,
    Bounce,
    Postsuper,
    /// smtp, lmtp, local, virtual, pipe, error, retry, discard, relay, and any other agent that writes `to=<…> status=`.
    Agent,
    /// anvil, scache, master, verify, … : they never say what became of a message.
    Other,
}

/// Where a line comes from: which program, and which Postfix instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    pub daemon: Daemon,
    /// Last element of the tag: `smtpd`, `lmtp`, …
    pub name: &'a [u8],
    /// First element of the tag where it is not `postfix`.
    pub instance: &'a [u8],
}

/// Longer names are no `syslog_name`.
const INSTANCE_BYTES_MAX: usize = 255;

/// The tag is `syslog_name[/service]/daemon`; only the last element names the program. `None`: not Postfix.
pub fn origin(program: &[u8]) -> Option<Origin<'_>> {
    // Nearly every line is of one of these.
    if let Some(name) = program.strip_prefix(b"postfix/")
        && let Some(daemon) = busy_daemon(name)
    {
        return Some(Origin { daemon, name, instance: b"" });
    }
    let slash = program.iter().rposition(|&byte| byte == b'/')?;
    let name = &program[slash + 1..];
    let daemon = match daemon(name) {
        Some(daemon) => daemon,
        // A transport named otherwise in master.cf logs under `postfix/` and its program's name; foreign tags have no such prefix.
        None if program.starts_with(b"postfix") => Daemon::Other,
        None => return None,
    };
    let first = &program[..program.iter().position(|&byte| byte == b'/').unwrap_or(slash)];
    // A name that is no name is damage, and nobody's.
    let plain = first.len() <= INSTANCE_BYTES_MAX && first.is_ascii();
    plain.then_some(Origin { daemon, name, instance: if first == b"postfix" { b"" } else { first } })
}

/// The daemons that write most of a log.
#[inline]
fn busy_daemon(name: &[u8]) -> Option<Daemon> {
    Some(match name {
        b"smtpd" => Daemon::Smtpd,
        b"smtp" | b"lmtp" | b"local" => Daemon::Agent,
        b"qmgr" => Daemon::Qmgr,
        b"cleanup" => Daemon::Cleanup,
        b"bounce" => Daemon::Bounce,
        _ => return None,
    })
}

fn daemon(name: &[u8]) -> Option<Daemon> {
    if let Some(daemon) = busy_daemon(name) {
        return Some(daemon);
    }
    Some(match name {
        b"postscreen" => Daemon::Postscreen,
        b"pickup" => Daemon::Pickup,
        b"nqmgr" | b"oqmgr" => Daemon::Qmgr,
        b"defer" | b"trace" => Daemon::Bounce,
        b"postsuper" => Daemon::Postsuper,
        b"virtual" | b"pipe" | b"error" | b"retry" | b"discard" | b"relay" => Daemon::Agent,
        b"anvil"
        | b"scache"
        | b"master"
        | b"verify"
        | b"tlsmgr"
        | b"tlsproxy"
        | b"dnsblog"
        | b"postlogd"
        | b"proxymap"
        | b"proxywrite"
        | b"trivial-rewrite"
        | b"rewrite"
        | b"showq"
        | b"flush"
        | b"postfix-script"
        | b"postdrop"
        | b"sendmail"
        | b"postqueue"
        | b"postmap"
        | b"postalias"
        | b"postconf"
        | b"postlog"
        | b"postkick"
        | b"postlock"
        | b"postcat"
        | b"postmulti"
        | b"spawn"
        | b"qmqpd"
        | b"postfix-wrapper"
        | b"postmulti-script"
        | b"post-install"
        | b"postfix-tls-script"
        | b"postfix-files" => Daemon::Other,
        _ => return None,
    })
}

/// What a Postfix line says. All text borrows from the line.
#[derive(Clone, Debug, PartialEq)]
pub enum Record<'a> {
    /// smtpd(8) began a queue file: `client=h[ip], sasl_username=…, orig_queue_id=…` (smtpd_proxy.c, smtpd.c).
    Arrived(Arrived<'a>),
    /// pickup(8) took a message from the maildrop: `uid=0 from=<root>`; `orig_id=` after a requeue.
    PickedUp {
        queue_id: QueueId,
        sender: &'a [u8],
        previous: Option<QueueId>,
    },
    MessageId {
        queue_id: QueueId,
        id: &'a [u8],
        resent: bool,
    },
    /// header_checks, body_checks, milter_header_checks: `warning: header Subject: …` (cleanup_message.c).
    Header(Header<'a>),
    /// qmgr(8) reads the queue file, again at each retry: `from=<>, size=, nrcpt= (queue active)`.
    Active {
        queue_id: QueueId,
        sender: &'a [u8],
        size: u64,
        recipient_count: u32,
    },
    Delivery(Delivery<'a>),
    /// `from=<>, status=expired, returned to sender` or `force-expired`.
    Expired {
        queue_id: QueueId,
        sender: &'a [u8],
    },
    Removed {
        queue_id: QueueId,
    },
    ByHand {
        queue_id: QueueId,
        action: ByHand,
    },
    /// bounce(8) made a notice: `sender non-delivery notification: NEW`.
    Notice {
        queue_id: QueueId,
        notice: QueueId,
    },
    Refused(Refused<'a>),
    /// A line about a queued message without consequence for its fate.
    Context {
        queue_id: QueueId,
    },
    /// Understood, and of no consequence.
    Known,
    Unknown,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Arrived<'a> {
    pub queue_id: QueueId,
    pub client_name: &'a [u8],
    pub client_ip: &'a [u8],
    pub user: &'a [u8],
    /// The filter's upstream queue id, by XFORWARD: the surest link there is.
    pub previous: Option<QueueId>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Header<'a> {
    pub queue_id: QueueId,
    pub action: HeaderAction,
    /// `Subject` or another header's name; empty for body checks.
    pub name: &'a [u8],
    pub value: &'a [u8],
    pub transaction: Transaction<'a>,
    /// The administrator's text after the envelope.
    pub text: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderAction {
    /// WARN, INFO, PASS, REPLACE, PREPEND, …: the message goes on.
    Note,
    Hold,
    Discard,
    Reject,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Delivery<'a> {
    pub queue_id: QueueId,
    pub recipient: &'a [u8],
    pub orig_recipient: &'a [u8],
    pub relay: &'a [u8],
    pub delays: Delays,
    pub dsn: &'a [u8],
    pub status: Status,
    pub reply: &'a [u8],
    pub next_id: Option<QueueId>,
    pub tls: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByHand {
    Deleted,
    Requeued,
    Held,
    Released,
    Expired,
}

/// Reads one payload. `text` is what follows `tag[pid]: `.
pub fn parse<'a>(origin: &Origin<'a>, text: &'a [u8]) -> Record<'a> {
    if let Some((queue_id, rest)) = queue::leading_id(text) {
        return match origin.daemon {
            Daemon::Agent => delivery::parse(queue_id, rest).unwrap_or_else(|| context(queue_id, rest)),
            Daemon::Qmgr => queue::qmgr(queue_id, rest).unwrap_or_else(|| context(queue_id, rest)),
            Daemon::Cleanup => queue::cleanup(queue_id, rest).unwrap_or_else(|| context(queue_id, rest)),
            Daemon::Smtpd => queue::smtpd(queue_id, rest).unwrap_or_else(|| context(queue_id, rest)),
            Daemon::Pickup => queue::pickup(queue_id, rest).unwrap_or_else(|| context(queue_id, rest)),
            Daemon::Bounce => queue::bounce(queue_id, rest).unwrap_or_else(|| context(queue_id, rest)),
            Daemon::Postsuper => queue::postsuper(queue_id, rest).unwrap_or_else(|| context(queue_id, rest)),
            Daemon::Postscreen | Daemon::Other => {
                delivery::parse(queue_id, rest).unwrap_or_else(|| context(queue_id, rest))
            }
        };
    }
    if let Some(rest) = text.strip_prefix(b"NOQUEUE: ") {
        return refusal::parse(None, rest).unwrap_or(Record::Unknown);
    }
    // smtpd(8) before a filter names no queue at all: `proxy-reject: END-OF-MESSAGE: 554 …; from=<> to=<> …`.
    if text.starts_with(b"proxy-reject: ") {
        return refusal::parse(None, text).unwrap_or(Record::Unknown);
    }
    without_queue_id(origin, text)
}

/// What daemons say of a queued message beside its fate: the words that follow the queue id.
const CONTEXT_STARTS: &[&[u8]] = &[
    b"host ",
    b"lost connection",
    b"conversation with",
    b"warning: ",
    b"enabling PIX",
    b"breaking line",
    b"Cannot start TLS",
    b"SMTPUTF8",
    b"skipped, still being",
    b"TLS is required",
    b"Server certificate",
    b"server certificate",
    b"timed out",
    b"re-",
    b"size=",
    b"passing ",
    b"timeout",
    b"milter",
    b"uses ",
    b"refused to talk",
    b"postmaster ",
    b"sender ",
    b"requeued",
    b"connect to ",
    b"Host offered",
    b"TLSA ",
    b"certificate ",
    b"defer",
    b"bounce",
    b"read timeout",
    b"Recipient",
    b"non-delivery",
    b"untrusted",
    b"Untrusted",
    b"Trusted",
    b"Verified",
    b"Anonymous",
    b"no shared cipher",
    b"error: ",
    b"info: ",
    b"fatal: ",
    b"client=",
    b"message-id=",
    b"queue file",
    b"expired",
    b"reject",
    b"table ",
    b"sent ",
    b"removed",
    b"delivery temporarily",
    b"would be ",
    b"mail for ",
    b"moved to ",
];

/// The first byte decides nearly every case without a call.
fn starts_with_any(text: &[u8], starts: &[&[u8]]) -> bool {
    let Some(&first) = text.first() else { return false };
    starts.iter().any(|start| start[0] == first && text.starts_with(start))
}

fn context<'a>(queue_id: QueueId, rest: &[u8]) -> Record<'a> {
    if starts_with_any(rest, CONTEXT_STARTS) { Record::Context { queue_id } } else { Record::Unknown }
}

/// Lines without a queue id: sessions, TLS, complaints. Words from smtpd.c, smtp_connect.c, postscreen*.c, anvil.c, master.c.
const KNOWN_STARTS: &[&[u8]] = &[
    b"connect from ",
    b"disconnect from ",
    b"lost connection ",
    b"timeout after ",
    b"Anonymous TLS",
    b"Untrusted TLS",
    b"Trusted TLS",
    b"Verified TLS",
    b"warning: ",
    b"statistics: ",
    b"connect to ",
    b"too many errors",
    b"improper command",
    b"setting up TLS",
    b"SSL_accept",
    b"SSL_connect",
    b"SSL3",
    b"TLS SNI",
    b"certificate verification",
    b"server certificate",
    b"Server certificate",
    b"Host offered STARTTLS",
    b"CONNECT from ",
    b"DISCONNECT ",
    b"PASS NEW ",
    b"PASS OLD ",
    b"WHITELISTED ",
    b"ALLOWLISTED ",
    b"ALLOWLIST ",
    b"WHITELIST ",
    b"VETO ",
    b"DENYLISTED ",
    b"BLACKLISTED ",
    b"DNSBL rank ",
    b"PREGREET ",
    b"HANGUP ",
    b"COMMAND ",
    b"NON-SMTP COMMAND ",
    b"BARE NEWLINE ",
    b"NOSTARTTLS",
    b"addr ",
    b"daemon started",
    b"terminating on signal",
    b"reload",
    b"starting the Postfix",
    b"stopping the Postfix",
    b"refreshing the Postfix",
    b"fatal: ",
    b"error: ",
    b"panic: ",
    b"info: ",
    b"table ",
    b"cache ",
    b"close database",
    b"open database",
    b"scheduled_",
    b"Deleted: ",
    b"Requeued: ",
    b"Placed on hold: ",
    b"Released from hold: ",
    b"Renamed",
    b"Expired: ",
    b"Force-expired",
    b"the Postfix mail system",
    b"host ",
    b"unknown[",
    b"initializing the server-side TLS",
    b"initializing the client-side TLS",
    b"no shared cipher",
    b"milter ",
    b"mapping DSN",
    b"idle timeout",
    b"proxy-accept",
    b"message repeated",
    b"rewrite: ",
    b"using backwards",
    b"To disable backwards",
    b"CA certificate verification",
    b"TLS library problem",
    b"certificate peer",
    b"private/",
    b"public/",
    b"version ",
    b"rebuilt ",
    b"aborted ",
    b"conversation with ",
    b"discarding EHLO",
    b"enabling PIX",
    b"verify",
    b"looking for plugins",
    b"Process Plug-in",
    b"TLSv",
    b"postmap",
    b"wrong ",
    b"request",
    b"name service",
    b"client ",
    b"address ",
    b"subject=",
    b"issuer=",
    b"fingerprint",
    b"save session",
    b"reusing session",
    b"peer certificate",
    b"re-using session",
    b"expire ",
    b"read ",
    b"write ",
    b"send ",
    b"input ",
    b"watchdog",
    b"sasl_",
    b"xsasl",
    b"auto_clnt",
    b"dict_",
    b"match_",
    b"maps_",
    b"vstream",
    b"event_",
    b"name_mask",
    b"inet_addr",
    b"private_",
    b"> ",
    b"< ",
];

fn without_queue_id<'a>(origin: &Origin<'_>, text: &'a [u8]) -> Record<'a> {
    if starts_with_any(text, KNOWN_STARTS) {
        return Record::Known;
    }
    // A debugging session (`debug_peer_list`, `-v`) or a helper program: chatter, but never about a message's fate.
    if matches!(origin.daemon, Daemon::Other) { Record::Known } else { Record::Unknown }
}
