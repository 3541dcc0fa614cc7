//! Mail going out: attempts put off, recipients reached, recipients who bounce, and the report of that to the sender.

use super::{
    BOUNCED_PERCENT, DEFERRED_PERCENT, Envelope, MILLISECOND, QMGR, Queued, Recipient, Route, SECOND, Server, TLS,
    TLS_PERCENT,
};
use crate::loggen::people::{self, Host, STORE};
use crate::loggen::timeline::Timeline;

/// Waits before the second, third and fourth attempt.
const BACKOFF_SECONDS: [u64; 3] = [300, 600, 1200];
const NOTICE_BYTES: u64 = 2700;

/// The last columns of a delivery line: DSN code, status and the words in brackets.
struct Outcome {
    dsn: &'static str,
    status: &'static str,
    reply: String,
}

impl Queued {
    pub(super) fn say_active(&self, at: u64, sender: &str, recipients: usize, timeline: &mut Timeline) {
        let text = format!("{}: from=<{sender}>, size={}, nrcpt={recipients} (queue active)", self.id, self.size);
        timeline.say(at, QMGR, &text);
    }

    /// `delay=…, delays=a/b/c/d`: before the queue manager, in it, connecting, sending.
    pub(super) fn delays(&self, active: u64, waited: u64, connecting: u64, ended: u64) -> String {
        let before = active - self.arrived;
        let sending = ended.saturating_sub(active + waited + connecting);
        let [total, before, waited, connecting, sending] =
            [ended - self.arrived, before, waited, connecting, sending].map(seconds);
        format!("delay={total}, delays={before}/{waited}/{connecting}/{sending}")
    }
}

/// Seconds with at most two significant digits and no zeros behind the point that say nothing, as Postfix prints delays.
fn seconds(microseconds: u64) -> String {
    let value = microseconds as f64 / SECOND as f64;
    let digits = match value {
        value if value >= 10.0 => return format!("{value:.0}"),
        value if value >= 1.0 => 1,
        _ => 2,
    };
    format!("{value:.digits$}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Server {
    /// Delivers a queue file to all recipients, now or after attempts that are put off, and removes it.
    pub(super) fn deliver(&mut self, queued: &Queued, envelope: &Envelope, timeline: &mut Timeline) {
        let active = self.put_off(queued, envelope, timeline);
        let bouncing = self.random.percent(BOUNCED_PERCENT);
        let mut ended = active;
        for (index, recipient) in envelope.recipients.iter().enumerate() {
            let bounces = bouncing && index == 0;
            let outcome = if bounces { refusal_of(recipient) } else { self.acceptance_by(recipient) };
            ended = ended.max(self.attempt(queued, active, recipient, &outcome, timeline));
            if bounces {
                self.truth.bounced += 1;
            } else {
                self.truth.deliveries += 1;
                self.truth.bytes_delivered += envelope.size;
            }
        }
        if bouncing {
            self.report_bounce(queued, ended, envelope, timeline);
        }
        timeline.say(ended + 3 * MILLISECOND, QMGR, &format!("{}: removed", queued.id));
    }

    /// Attempts that fail for now, for a small share of the mail; returns when the last attempt begins.
    fn put_off(&mut self, queued: &Queued, envelope: &Envelope, timeline: &mut Timeline) -> u64 {
        let mut active = queued.active;
        if !self.random.percent(DEFERRED_PERCENT) {
            return active;
        }
        self.truth.messages_deferred += 1;
        let attempts = 1 + self.random.skewed_below(BACKOFF_SECONDS.len() as u64) as usize;
        for wait in &BACKOFF_SECONDS[..attempts] {
            for recipient in &envelope.recipients {
                let outcome = self.postponement_by(recipient);
                self.attempt(queued, active, recipient, &outcome, timeline);
                self.truth.deferrals += 1;
            }
            active += wait * SECOND + self.milliseconds(1000, 9000);
            queued.say_active(active, &envelope.sender.address, envelope.recipients.len(), timeline);
        }
        active
    }

    /// One attempt for one recipient; returns when it ended.
    fn attempt(
        &mut self,
        queued: &Queued,
        active: u64,
        recipient: &Recipient,
        outcome: &Outcome,
        timeline: &mut Timeline,
    ) -> u64 {
        let (waited, connecting) = (self.milliseconds(1, 20), self.milliseconds(5, 400));
        let ended = active + waited + connecting + self.milliseconds(20, 900);
        let (daemon, relay) = match recipient.route {
            Route::Store => ("lmtp", STORE.to_owned()),
            Route::Outside(_) if outcome.reply.starts_with("connect to ") => ("smtp", "none".to_owned()),
            Route::Outside(domain) => ("smtp", format!("{}:25", people::mail_host(domain).display())),
        };
        let process = self.worker(daemon);
        if daemon == "smtp" && outcome.status == "sent" && self.random.percent(TLS_PERCENT) {
            timeline.say(
                ended - 10 * MILLISECOND,
                &process,
                &format!("Trusted TLS connection established to {relay}: {TLS}"),
            );
        }
        let alias = recipient.alias.as_ref().map(|alias| format!(" orig_to=<{alias}>,")).unwrap_or_default();
        let delays = queued.delays(active, waited, connecting, ended);
        let Outcome { dsn, status, reply } = outcome;
        let text = format!(
            "{}: to=<{}>,{alias} relay={relay}, {delays}, dsn={dsn}, status={status} ({reply})",
            queued.id, recipient.address
        );
        timeline.say(ended, &process, &text);
        ended
    }

    fn acceptance_by(&mut self, recipient: &Recipient) -> Outcome {
        let reply = match recipient.route {
            Route::Store => people::store_acceptance(&recipient.address, &mut self.random),
            Route::Outside(_) => people::foreign_acceptance(&mut self.random),
        };
        Outcome { dsn: "2.0.0", status: "sent", reply }
    }

    fn postponement_by(&mut self, recipient: &Recipient) -> Outcome {
        let reply = match recipient.route {
            Route::Store => format!(
                "host {STORE} said: 451 4.3.0 <{}> Temporary internal error (in reply to end of DATA command)",
                recipient.address
            ),
            Route::Outside(domain) if domain.is_multiple_of(3) => {
                format!("connect to {}:25: Connection timed out", people::mail_host(domain).display())
            }
            Route::Outside(domain) => format!(
                "host {} said: 450 4.2.0 <{}>: Recipient address rejected: Greylisted, try again (in reply to RCPT TO command)",
                people::mail_host(domain).display(),
                recipient.address
            ),
        };
        Outcome { dsn: "4.2.0", status: "deferred", reply }
    }

    /// The non-delivery report to the sender: a message of the server's own.
    fn report_bounce(&mut self, queued: &Queued, at: u64, envelope: &Envelope, timeline: &mut Timeline) {
        let id = self.new_queue_id(at);
        let notice = Envelope {
            client: Host { name: String::new(), ip: String::new() },
            user: None,
            sender: Recipient { address: String::new(), alias: None, route: Route::Store },
            recipients: vec![envelope.sender.clone()],
            message_id: format!("20260302.{id}@mail1.{}", people::OWN_DOMAIN),
            size: NOTICE_BYTES,
        };
        let bounce = self.worker("bounce");
        let text = format!("{}: sender non-delivery notification: {id}", queued.id);
        let reported = self.queue(id, at, notice.size, &notice, timeline);
        timeline.say(at + 12 * MILLISECOND, &bounce, &text);
        let outcome = self.acceptance_by(&notice.recipients[0]);
        let ended = self.attempt(&reported, reported.active, &notice.recipients[0], &outcome, timeline);
        timeline.say(ended + 3 * MILLISECOND, QMGR, &format!("{}: removed", reported.id));
        self.truth.notices += 1;
        self.truth.notice_deliveries += 1;
    }
}

fn refusal_of(recipient: &Recipient) -> Outcome {
    let reply = match recipient.route {
        Route::Store => format!(
            "host {STORE} said: 552 5.2.2 <{}> Quota exceeded (mailbox for user is full) (in reply to end of DATA command)",
            recipient.address
        ),
        Route::Outside(domain) => format!(
            "host {} said: 550 5.1.1 <{}>: Recipient address rejected: User unknown (in reply to RCPT TO command)",
            people::mail_host(domain).display(),
            recipient.address
        ),
    };
    Outcome { dsn: "5.1.1", status: "bounced", reply }
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn delays_have_two_digits_at_most() {
        for (microseconds, text) in
            [(0, "0"), (9_000, "0.01"), (400_000, "0.4"), (1_240_000, "1.2"), (10_500_000, "10")]
        {
            assert_eq!(seconds(microseconds), text);
        }
    }
}
