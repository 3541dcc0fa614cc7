//! Mail coming in: from a client, and again from the content filter.

use super::{Envelope, MILLISECOND, QMGR, Queued, Server, TLS, TLS_PERCENT};
use crate::loggen::timeline::Timeline;

/// What the filter's own header lines add to a message.
const FILTER_ADDS_BYTES: u64 = 412;
const FILTER_RELAY: &str = "127.0.0.1[127.0.0.1]:10025";

/// How a session ends when all went well; `{}` are the recipients taken and the commands given.
fn farewell(tls: bool, authenticated: bool, recipients: usize) -> String {
    let (greetings, starttls) = if tls { (2, " starttls=1") } else { (1, "") };
    let auth = if authenticated { " auth=1" } else { "" };
    let commands = greetings + usize::from(tls) + usize::from(authenticated) + recipients + 3;
    format!("ehlo={greetings}{starttls}{auth} mail=1 rcpt={recipients} data=1 quit=1 commands={commands}")
}

impl Server {
    /// A client's session that leaves one message in the queue.
    pub(super) fn receive(&mut self, at: u64, envelope: &Envelope, timeline: &mut Timeline) -> Queued {
        let tls = envelope.user.is_some() || self.random.percent(TLS_PERCENT);
        let taken = at + self.milliseconds(40, 400);
        let ended = taken + self.milliseconds(80, 300);
        let service = if envelope.user.is_some() { "submission/" } else { "" };
        let process = format!("postfix/{service}{}", self.smtpd(at, ended));
        let client = envelope.client.display();
        timeline.say(at, &process, &format!("connect from {client}"));
        if tls {
            timeline.say(
                at + 30 * MILLISECOND,
                &process,
                &format!("Anonymous TLS connection established from {client}: {TLS}"),
            );
        }
        let id = self.new_queue_id(taken);
        let login =
            envelope.user.as_ref().map(|user| format!(", sasl_method=PLAIN, sasl_username={user}")).unwrap_or_default();
        timeline.say(taken, &process, &format!("{id}: client={client}{login}"));
        let queued = self.queue(id, taken, envelope.size, envelope, timeline);
        timeline.say(
            ended,
            &process,
            &format!("disconnect from {client} {}", farewell(tls, envelope.user.is_some(), envelope.recipients.len())),
        );
        queued
    }

    /// Hands a message to the filter, which hands it back: the same mail under a second queue id.
    pub(super) fn pass_filter(&mut self, first: &Queued, envelope: &Envelope, timeline: &mut Timeline) -> Queued {
        let opened = first.active + self.milliseconds(150, 2500);
        let ended = opened + self.milliseconds(60, 120);
        let process = format!("postfix/{}", self.smtpd(opened, ended));
        timeline.say(opened, &process, "connect from localhost[127.0.0.1]");
        let taken = opened + self.milliseconds(5, 15);
        let id = self.new_queue_id(taken);
        let client = envelope.client.display();
        timeline.say(
            taken,
            &process,
            &format!("{id}: client=localhost[127.0.0.1], orig_queue_id={}, orig_client={client}", first.id),
        );
        let second = self.queue(id, taken, envelope.size + FILTER_ADDS_BYTES, envelope, timeline);
        let recipients = envelope.recipients.len();
        let farewell = format!("ehlo=1 xforward=1 mail=1 rcpt={recipients} data=1 quit=1 commands={}", recipients + 5);
        timeline.say(ended, &process, &format!("disconnect from localhost[127.0.0.1] {farewell}"));
        self.report_handed_over(first, &second, ended, envelope, timeline);
        second
    }

    fn report_handed_over(
        &mut self,
        first: &Queued,
        second: &Queued,
        at: u64,
        envelope: &Envelope,
        timeline: &mut Timeline,
    ) {
        let client = self.worker("smtp");
        let delays = first.delays(first.active, 2 * MILLISECOND, 10 * MILLISECOND, at);
        for recipient in &envelope.recipients {
            let reply = format!("250 2.0.0 from MTA(smtp:[127.0.0.1]:10026): 250 2.0.0 Ok: queued as {}", second.id);
            let text = format!(
                "{}: to=<{}>, relay={FILTER_RELAY}, {delays}, dsn=2.0.0, status=sent ({reply})",
                first.id, recipient.address
            );
            timeline.say(at, &client, &text);
        }
        timeline.say(at + MILLISECOND, QMGR, &format!("{}: removed", first.id));
    }

    /// What cleanup and the queue manager say of a new queue file.
    pub(super) fn queue(
        &mut self,
        id: String,
        arrived: u64,
        size: u64,
        envelope: &Envelope,
        timeline: &mut Timeline,
    ) -> Queued {
        let cleanup = self.worker("cleanup");
        timeline.say(arrived + 10 * MILLISECOND, &cleanup, &format!("{id}: message-id=<{}>", envelope.message_id));
        let queued = Queued { id, arrived, active: arrived + self.milliseconds(20, 50), size };
        queued.say_active(queued.active, &envelope.sender.address, envelope.recipients.len(), timeline);
        queued
    }
}
