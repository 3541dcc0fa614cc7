//! Sessions that leave nothing in the queue: mail refused at the door, and visitors who only knock.

use super::{MILLISECOND, Server};
use crate::loggen::people::{self, Host};
use crate::loggen::timeline::Timeline;

impl Server {
    /// One recipient refused before there is a queue file.
    pub(super) fn refuse(&mut self, at: u64, timeline: &mut Timeline) {
        let domain = people::outside_domain_number(&mut self.random);
        let sender = people::address_at(&people::outside_domain(domain), &mut self.random);
        let recipient = people::own_address(&mut self.random);
        let bad = self.random.percent(60);
        let client = if bad { people::stranger(&mut self.random) } else { people::mail_host(domain) };
        let (reply, recipient) = self.refusal(&client, &sender, recipient);
        let ended = at + self.milliseconds(200, 900);
        let process = format!("postfix/{}", self.smtpd(at, ended));
        let shown = client.display();
        timeline.say(at, &process, &format!("connect from {shown}"));
        let envelope =
            format!("from=<{sender}> to=<{recipient}> proto=ESMTP helo=<{}>", people::mail_host(domain).name);
        timeline.say(
            at + 150 * MILLISECOND,
            &process,
            &format!("NOQUEUE: reject: RCPT from {shown}: {reply}; {envelope}"),
        );
        if bad {
            timeline.say(ended - MILLISECOND, &process, &format!("lost connection after RCPT from {shown}"));
            timeline.say(ended, &process, &format!("disconnect from {shown} ehlo=1 mail=1 rcpt=0/1 commands=2/3"));
        } else {
            timeline.say(
                ended,
                &process,
                &format!("disconnect from {shown} ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4"),
            );
        }
        self.truth.rejections += 1;
    }

    /// The server's answer, and the recipient it was given for.
    fn refusal(&mut self, client: &Host, sender: &str, recipient: String) -> (String, String) {
        let unknown = format!("nobody{}@{}", self.random.below(500), people::OWN_DOMAIN);
        let foreign = format!("victim{}@elsewhere.example.org", self.random.below(50));
        let (ip, name) = (&client.ip, &client.name);
        match self.random.below(100) {
            0..50 => (
                format!(
                    "554 5.7.1 Service unavailable; Client host [{ip}] blocked using list.example.org; https://list.example.org/query/{ip}"
                ),
                recipient,
            ),
            50..75 => (
                format!("550 5.1.1 <{unknown}>: Recipient address rejected: User unknown in virtual mailbox table"),
                unknown,
            ),
            75..83 => (format!("554 5.7.1 <{foreign}>: Relay access denied"), foreign),
            83..91 => (format!("450 4.1.8 <{sender}>: Sender address rejected: Domain not found"), recipient),
            91..96 => (format!("450 4.7.25 Client host rejected: cannot find your hostname, [{ip}]"), recipient),
            _ => (format!("504 5.5.2 <{name}>: Helo command rejected: need fully-qualified hostname"), recipient),
        }
    }

    /// A visitor without mail: a scanner, a health check, somebody trying passwords.
    pub(super) fn probe(&mut self, at: u64, timeline: &mut Timeline) {
        let client = people::stranger(&mut self.random);
        let ended = at + self.milliseconds(100, 3000);
        let process = format!("postfix/{}", self.smtpd(at, ended));
        let shown = client.display();
        let name = format!("host-{}.example.net", client.ip.replace('.', "-"));
        timeline.say(
            at,
            &process,
            &format!("warning: hostname {name} does not resolve to address {}: Name or service not known", client.ip),
        );
        timeline.say(at + 1, &process, &format!("connect from {shown}"));
        let (command, counts) = *self.random.pick(&[
            ("CONNECT", "commands=0/0"),
            ("EHLO", "ehlo=1 commands=1"),
            ("AUTH", "ehlo=1 auth=0/1 commands=1/2"),
        ]);
        if command == "AUTH" {
            timeline.say(
                at + 40 * MILLISECOND,
                &process,
                &format!("warning: {shown}: SASL LOGIN authentication failed: authentication failure"),
            );
        }
        timeline.say(ended - MILLISECOND, &process, &format!("lost connection after {command} from {shown}"));
        timeline.say(ended, &process, &format!("disconnect from {shown} {counts}"));
    }
}
