//! The invented Postfix server: decides what happens to the mail, and says so as Postfix 3.7 would.
//!
//! The wording follows lines captured from real servers (`testdata/postfix-chain`); shares and delays stand as constants
//! below.

mod delivery;
mod intake;
mod refusal;

use super::people::{self, Host};
use super::random::Random;
use super::timeline::Timeline;
use super::truth::Truth;

/// Shares, in percent: of sessions that bring no mail at all; of the others, those that are refused; of the messages taken,
/// those that pass the filter, have several recipients, are put off first, or fail for one recipient.
const PROBE_PERCENT: u64 = 5;
const REJECTED_PERCENT: u64 = 15;
const FILTERED_PERCENT: u64 = 30;
const SEVERAL_RECIPIENTS_PERCENT: u64 = 20;
const DEFERRED_PERCENT: u64 = 5;
const BOUNCED_PERCENT: u64 = 1;
const INBOUND_PERCENT: u64 = 60;
const OUTBOUND_PERCENT: u64 = 30;
const ALIAS_PERCENT: u64 = 8;
const TLS_PERCENT: u64 = 70;

const RECIPIENTS_MAX: u64 = 8;
const SIZE_BYTES_MIN: u64 = 900;
const SIZE_BYTES_MAX: u64 = 4_000_000;

const MILLISECOND: u64 = 1000;
const SECOND: u64 = 1_000_000;
const TLS: &str = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256";

/// Postfix names a queue file by the microsecond of its making and its inode; inodes are used again.
const FIRST_INODE: u64 = 0x4_A000;
const INODES: u64 = 0x2_0000;
const FIRST_PID: u64 = 2000;
/// A Postfix daemon ends itself after this many requests (`max_use`).
const USES_MAX: u32 = 100;
const QMGR: &str = "postfix/qmgr[1207]";

/// Where a recipient's mail goes.
#[derive(Clone, Copy)]
enum Route {
    Store,
    Outside(u64),
}

#[derive(Clone)]
struct Recipient {
    address: String,
    alias: Option<String>,
    route: Route,
}

/// One message as it was handed in.
struct Envelope {
    client: Host,
    /// Set for people of our own, who log in to send.
    user: Option<String>,
    sender: Recipient,
    recipients: Vec<Recipient>,
    message_id: String,
    size: u64,
}

/// A queue file: its name, when it was made and when delivery may begin.
struct Queued {
    id: String,
    arrived: u64,
    active: u64,
    size: u64,
}

/// A daemon process that serves one client at a time.
struct Process {
    pid: u64,
    busy_until: u64,
    uses_left: u32,
}

pub struct Server {
    random: Random,
    truth: Truth,
    queue_files: u64,
    next_pid: u64,
    smtpds: Vec<Process>,
}

impl Server {
    pub fn new(random: Random) -> Self {
        Self { random, truth: Truth::default(), queue_files: 0, next_pid: FIRST_PID, smtpds: Vec::new() }
    }

    pub fn into_truth(self, seed: u64, lines: u64) -> Truth {
        Truth { seed, lines, ..self.truth }
    }

    /// One client's connection and all that follows from it, at `now` or a little later.
    pub fn session(&mut self, now: u64, timeline: &mut Timeline) {
        let at = now + self.random.below(2 * SECOND);
        if self.random.percent(PROBE_PERCENT) {
            self.probe(at, timeline);
        } else if self.random.percent(REJECTED_PERCENT) {
            self.refuse(at, timeline);
        } else {
            self.take_message(at, timeline);
        }
    }

    fn take_message(&mut self, at: u64, timeline: &mut Timeline) {
        let envelope = self.invent_envelope();
        self.truth.messages += 1;
        self.truth.bytes += envelope.size;
        let mut queued = self.receive(at, &envelope, timeline);
        if self.random.percent(FILTERED_PERCENT) {
            self.truth.messages_filtered += 1;
            queued = self.pass_filter(&queued, &envelope, timeline);
        }
        self.deliver(&queued, &envelope, timeline);
    }

    fn invent_envelope(&mut self) -> Envelope {
        let kind = self.random.below(100);
        let (from_outside, to_outside) =
            (kind < INBOUND_PERCENT, (INBOUND_PERCENT..INBOUND_PERCENT + OUTBOUND_PERCENT).contains(&kind));
        let sender = self.invent_recipient(from_outside);
        let client = match sender.route {
            Route::Outside(domain) => people::mail_host(domain),
            Route::Store => people::own_client(&mut self.random),
        };
        let domain = sender.address.rsplit('@').next().unwrap_or_default().to_owned();
        Envelope {
            client,
            user: (!from_outside).then(|| sender.address.clone()),
            recipients: self.invent_recipients(to_outside),
            message_id: people::message_id(&domain, &mut self.random),
            size: self.invent_size(),
            sender: Recipient { alias: None, ..sender },
        }
    }

    fn invent_recipients(&mut self, outside: bool) -> Vec<Recipient> {
        let several = self.random.percent(SEVERAL_RECIPIENTS_PERCENT);
        let count = if several { 2 + self.random.skewed_below(RECIPIENTS_MAX - 1) } else { 1 };
        let mut recipients: Vec<Recipient> = Vec::new();
        while (recipients.len() as u64) < count {
            let recipient = self.invent_recipient(outside);
            if recipients.iter().all(|other| other.address != recipient.address) {
                recipients.push(recipient);
            }
        }
        recipients
    }

    fn invent_recipient(&mut self, outside: bool) -> Recipient {
        if outside {
            let number = people::outside_domain_number(&mut self.random);
            let address = people::address_at(&people::outside_domain(number), &mut self.random);
            return Recipient { address, alias: None, route: Route::Outside(number) };
        }
        let address = people::own_address(&mut self.random);
        let alias = self
            .random
            .percent(ALIAS_PERCENT)
            .then(|| address.replace('.', "").replace("examplecom", people::OWN_DOMAIN));
        Recipient { address, alias, route: Route::Store }
    }

    /// Most mail is small; each further doubling is rarer.
    fn invent_size(&mut self) -> u64 {
        let widest = SIZE_BYTES_MIN << self.random.skewed_below(13);
        self.random.between(SIZE_BYTES_MIN, (2 * widest).min(SIZE_BYTES_MAX))
    }

    fn new_queue_id(&mut self, at: u64) -> String {
        self.queue_files += 1;
        format!("{:05X}{:X}", at % SECOND, FIRST_INODE + self.queue_files % INODES)
    }

    /// A free smtpd for the time given, as `smtpd[pid]`; a new one when all are busy.
    fn smtpd(&mut self, from: u64, until: u64) -> String {
        self.smtpds.retain(|process| process.uses_left > 0);
        let free = self.smtpds.iter().position(|process| process.busy_until < from);
        let index = free.unwrap_or_else(|| {
            self.next_pid += 1 + self.random.below(5);
            self.smtpds.push(Process { pid: self.next_pid, busy_until: 0, uses_left: USES_MAX });
            self.smtpds.len() - 1
        });
        let process = &mut self.smtpds[index];
        process.busy_until = until;
        process.uses_left -= 1;
        format!("smtpd[{}]", process.pid)
    }

    /// A process of a daemon whose requests may overlap in the log; a handful of pids each.
    fn worker(&mut self, daemon: &str) -> String {
        format!("postfix/{daemon}[{}]", 1300 + self.random.below(8) * 7 + daemon.len() as u64)
    }

    fn milliseconds(&mut self, low: u64, high: u64) -> u64 {
        self.random.between(low * MILLISECOND, high * MILLISECOND)
    }
}
