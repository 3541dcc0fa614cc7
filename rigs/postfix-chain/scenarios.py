"""What is sent into the rig, and what must become of each recipient.

`begin` sends mail whose fate takes a retry or an expiry to settle, `round_of_mail` sends each other situation once, `end`
leaves one message in the queue. The scenario's name stands in the truth; several of them steer the servers by their
subject (see `header_checks` in rig.sh and the filter in lib/smtpkit.py).
"""

import attachments
from mail import Message, inbound, pickup, submit, swaks


class Scenarios:
    def __init__(self, rig):
        self.rig = rig

    # ---- what must become of a recipient -------------------------------------------------------------------------

    def delivered(self, final, at=None, folder="INBOX", **facts):
        at = at or ("mailbox" if final.endswith("@" + self.rig.org) else "outside")
        place = {"at": at, "folder": folder} if at == "mailbox" else {"at": at}
        return {"final": final, "outcome": "delivered", **place, **facts}

    @staticmethod
    def bounced(final, by, status, outcome="bounced", dsn_expected=True):
        return {"final": final, "outcome": outcome, "by": by, "status": status, "dsn_expected": dsn_expected}

    @staticmethod
    def rejected(final, stage, code, at="edge1"):
        return {"final": final, "outcome": "rejected", "at": at, "stage": stage, "code": code}

    @staticmethod
    def ended(final, outcome, **facts):
        return {"final": final, "outcome": outcome, **facts}

    # ---- ways to send, with the expectation last -------------------------------------------------------------------

    def reached(self, *addresses):
        return [(address, [self.delivered(address)]) for address in addresses]

    def to_someone(self, expect=None):
        """One of our people, reached unless `expect` says otherwise."""
        address = self.rig.own(self.rig.anyone())
        return [(address, [expect(address)])] if expect else self.reached(address)

    def receive(self, scenario, recipients, *, sender=None, session=None, **content):
        sender = self.rig.outsider() if sender is None else sender
        message = Message(self.rig, scenario, sender, recipients, **content)
        inbound(self.rig, message, **(session or {}))
        return message

    def send(self, scenario, recipients, *, user=None, sender=None, session=None, **content):
        user = user or self.rig.anyone()
        message = Message(self.rig, scenario, sender or self.rig.own(user), recipients, **content)
        submit(self.rig, message, user, **(session or {}))
        return message

    # ---- the rounds ------------------------------------------------------------------------------------------------

    def begin(self):
        slow, dead, grey, partner = (f"{name}.{self.rig.ext}" for name in ("slow", "dead", "grey", "partner"))
        self.send("out-deferred-port-closed", self.reached(f"contact@{slow}"))
        self.send("out-deferred-multi", self.reached(f"x1@{slow}", f"x2@{slow}", f"desk@{partner}"))
        gone, busy = f"gone@{dead}", f"r451-busy@{partner}"
        self.send("out-expired", [(gone, [self.bounced(gone, "edge1", "4.4.1", outcome="expired")])])
        self.send("out-greylisted", self.reached(f"contact@{grey}"))
        self.send("out-greylisted-two", self.reached(f"g1@{grey}", f"g2@{grey}"))
        self.send("out-4xx-forever", [(busy, [self.bounced(busy, "edge1", "4.1.1", outcome="expired")])])
        self.receive("in-filter-tempfail", self.to_someone(), subject=self.rig.subject("FILTER-TEMPFAIL"))

    def round_of_mail(self, number):
        self._plain_mail()
        self._expansion(number)
        self._refused(number)
        self._stopped_on_the_way(number)
        self._store_rules(number)
        self._odd_headers(number)
        self._broken_off()
        self._outgoing(number)
        self._undeliverable_outgoing(number)
        self._attached(number)
        if number == 0:
            self._once()

    def end(self):
        late = f"late@dead.{self.rig.ext}"
        self.send("out-still-deferred", [(late, [self.ended(late, "deferred", at="edge1")])])

    # ---- from outside ----------------------------------------------------------------------------------------------

    def _plain_mail(self):
        rig = self.rig
        for _ in range(3):
            session = {"client": rig.random.choice([60, 61]), "tls": rig.random.random() < 0.5}
            self.receive("in-simple", self.to_someone(), session=session)
        self.receive("in-multi", self.reached(*map(rig.own, rig.random.sample(rig.people, 3))))
        one = rig.own(rig.random.choice([user for user in rig.people if user != "frontdesk"]))
        swaks(rig, Message(rig, "in-swaks", rig.outsider(), self.reached(one, rig.own("frontdesk"))))

    def _expanded(self, alias, *finals):
        return (alias, [self.delivered(final, orig_to=alias) for final in finals])

    def _expansion(self, number):
        rig, own, partner = self.rig, self.rig.own, self.rig.partner

        def sales():  # made anew for each message: what is observed is noted in it
            return self._expanded(own("sales"), own("sales1"), own("sales2"), own("sales3"))

        self.receive("in-alias", [sales()])
        self.receive("in-alias-and-member", [sales(), *self.reached(own("helpdesk"))])
        self.receive("in-alias-chain", [self._expanded(own("chain1"), own("dev1"))])
        self.receive("in-alias-external-member", [self._expanded(own("extgroup"), own("ops1"), f"contact@{partner}")])
        self.receive("in-forward-out", [self._expanded(own("fwdout"), f"contact2@{partner}")], session={"tls": True})
        self.receive("in-legacy-alias", [self._expanded(f"oldsales@legacy.{rig.org}", own("sales1"))])
        members = (own("dev1"), own("dev2"), own("ops2"), f"contact3@{partner}")
        self.receive("in-list", [self._expanded(f"staff@lists.{rig.org}", *members)], sender=f"author{number}@{partner}",
                     headers=[("List-Id", f"<staff.lists.{rig.org}>")])

    def _refused(self, number):
        rig = self.rig

        def refusal(stage, code):
            return lambda address: self.rejected(address, stage, code)

        nobody, missing = rig.own(f"nobody{number}"), rig.own(f"missing{number}")
        victim = f"victim@other.{rig.ext}"
        self.receive("in-unknown-user", [(nobody, [self.rejected(nobody, "rcpt", 550)])])
        self.receive("in-partly-unknown", [*self.to_someone(), (missing, [self.rejected(missing, "rcpt", 550)])])
        self.receive("in-relay-denied", [(victim, [self.rejected(victim, "rcpt", 554)])])
        self.receive("in-rbl", self.to_someone(refusal("rcpt", 554)), sender=f"x{number}@{rig.partner}",
                     session={"client": 66, "helo": f"bad.{rig.ext}"})
        self.receive("in-sender-refused", self.to_someone(refusal("rcpt", 554)), sender=f"promo{number}@spam.{rig.ext}")
        self.receive("in-sender-domain-unknown", self.to_someone(refusal("rcpt", 450)), sender=f"x@nosuch.{rig.ext}")
        self.receive("in-bad-helo", self.to_someone(refusal("rcpt", 501)), session={"helo": "bad_helo!"})
        self.receive("in-oversize-declared", self.to_someone(refusal("mail", 552)),
                     attachments=[("big.bin", "application/octet-stream", b"\0" * 1_600_000)])
        self.receive("in-header-forbidden", self.to_someone(refusal("data", 550)), subject=rig.subject("FORBIDDEN"))

    def _stopped_on_the_way(self, number):
        rig = self.rig
        ghost, spook = (f"{name}{number}@legacy.{rig.org}" for name in ("ghost", "spook"))

        def outcome(word, **facts):
            return lambda address: self.ended(address, word, **facts)

        self.receive("in-unknown-bounced-inside", [(ghost, [self.bounced(ghost, "hub1", "5.1.1")])])
        self.receive("in-header-discard", self.to_someone(outcome("discarded", by="edge1 header_checks")),
                     subject=rig.subject("EDGE-DISCARD"))
        self.receive("in-filter-discard", self.to_someone(outcome("discarded", by="filter")),
                     subject=rig.subject("FILTER-DISCARD"))
        self.receive("in-filter-reject", self.to_someone(lambda address: self.bounced(address, "hub1", "5.7.0")),
                     subject=rig.subject("FILTER-REJECT"))
        if number % 2 == 0:
            self.receive("in-held-released", self.to_someone(), subject=rig.subject("HOLDME"))
        else:
            self.receive("in-held-deleted", self.to_someone(outcome("deleted", by="postsuper on edge1")),
                         subject=rig.subject("HOLDME"))
        self.receive("in-held-kept", self.to_someone(outcome("held", at="edge1")), subject=rig.subject("HOLDME"))
        self.receive("in-null-sender", self.to_someone(), sender="", subject=rig.subject("Report"))
        self.receive("in-null-sender-unknown",
                     [(spook, [self.bounced(spook, "hub1", "5.1.1", dsn_expected=False)])], sender="")

    def _store_rules(self, number):
        rig = self.rig
        full, away, ruled = rig.own("full"), rig.own("ooo"), rig.own("ops2")
        self.receive("in-over-quota", [(full, [self.bounced(full, "mbx1", "5.2.2")])], body=rig.text(120))
        asker = f"ask{number}@{rig.partner}"
        message = self.receive("in-autoreply", self.reached(away), sender=asker)
        message.record["also_generates"] = [{"kind": "autoreply", "from": away, "to": asker}]
        for scenario, tag, expect in (
            ("in-sieve-folder", "TO-FOLDER", self.delivered(ruled, folder="Alerts")),
            ("in-sieve-drop", "SIEVE-DROP", self.ended(ruled, "discarded", by="sieve")),
            ("in-sieve-redirect", "SIEVE-REDIRECT", self.delivered(rig.own("dev2"))),
            ("in-sieve-reject", "SIEVE-REJECT", self.ended(ruled, "sieve-rejected", by="mbx1")),
        ):
            self.receive(scenario, [(ruled, [expect])], subject=rig.subject(tag))

    def _odd_headers(self, number):
        rig = self.rig
        repeated = f"<dup{number}.{rig.random.getrandbits(30)}@{rig.partner}>"
        twice = rig.own(rig.anyone())
        for _ in range(2):
            self.receive("in-same-message-id", self.reached(twice), message_id=repeated)
        self.receive("in-no-message-id", self.to_someone(), message_id=None)
        for scenario, subject in (
            ("in-subject-utf8", f"Prüfung der Gebäude – Übersicht №{number} ✓"),
            ("in-subject-long", " ".join(rig.text(5).split()[:45])),
            ("in-subject-tricky", f"to=<evil@{rig.ext}>, status=sent (250 ok); from=<fake@{rig.ext}> removed"),
            ("in-subject-empty", ""),
        ):
            self.receive(scenario, self.to_someone(), subject=subject)
        self.receive("in-header-from-differs", self.to_someone(), sender=f"bounces+{number}@{rig.partner}",
                     header_from=f"Newsletter <news@{rig.partner}>", session={"client": 62, "helo": f"news.{rig.ext}"})

    def _broken_off(self):
        def aborted(address):
            return self.ended(address, "aborted", by="client")

        self.receive("in-aborted-after-rcpt", self.to_someone(aborted), session={"abort": "rcpt"})
        self.receive("in-aborted-in-data", self.to_someone(aborted), session={"abort": "data"})

    # ---- from our own people ---------------------------------------------------------------------------------------

    def _outgoing(self, number):
        rig, own, partner = self.rig, self.rig.own, self.rig.partner
        self.send("out-simple", self.reached(f"client{number}@{partner}"))
        self.send("out-mixed", [*self.reached(f"client{number}b@{partner}", own("payroll")),
                                self._expanded(own("noc"), own("ops1"), own("ops2"))])
        self.send("internal", self.to_someone(), session={"client": 71, "pc": "pc2"})
        counsel = f"counsel{number}@{partner}"
        copied = self.delivered(own("journal"), added_by="sender_bcc_maps")
        self.send("out-bcc-map", [(counsel, [self.delivered(counsel), copied])], user="legal")
        self.send("out-second-mx", self.reached(f"p{number}@pair.{rig.ext}"))
        confirm = f"confirm{number}@{partner}"
        message = self.send("out-dsn-success", self.reached(confirm),
                            session={"recipient_options": ["NOTIFY=SUCCESS,FAILURE"]})
        notice = {"kind": "dsn-relayed", "to": message.record["envelope_from"], "about": confirm}
        message.record["also_generates"] = [notice]
        pickup(rig, Message(rig, "local-sendmail", own("ops1"), self.to_someone()))
        pickup(rig, Message(rig, "local-sendmail-out", own("ops1"), self.reached(f"robot{number}@{partner}")))

    def _undeliverable_outgoing(self, number):
        rig, partner = self.rig, self.rig.partner
        unknown, refused = f"r550-x{number}@{partner}", f"d554-x{number}@{partner}"
        nowhere, contact = f"x{number}@nosuch.{rig.ext}", f"c@{partner}"
        self.send("out-rejected-rcpt", [(unknown, [self.bounced(unknown, "edge1", "5.1.1")]),
                                        *self.reached(f"good{number}@{partner}")])
        self.send("out-rejected-data", [(refused, [self.bounced(refused, "edge1", "5.7.1")])])
        self.send("out-unknown-domain", [(nowhere, [self.bounced(nowhere, "edge1", "5.4.4")])])
        self.send("auth-failed", [(contact, [self.rejected(contact, "auth", 535, at="hub1")])],
                  session={"password": "wrong"})
        user, other = rig.random.sample(rig.people, 2)
        self.send("out-sender-mismatch", [(contact, [self.rejected(contact, "rcpt", 553, at="hub1")])],
                  user=user, sender=rig.own(other))

    def _attached(self, number):
        rig, documents = self.rig, attachments.documents(self.rig)
        self.send("out-attach-one", self.reached(f"files{number}@{rig.partner}"),
                  attachments=[rig.random.choice(documents)])
        self.receive("in-attach-many", self.to_someone(), attachments=rig.random.sample(documents, 4))

    # ---- once a run ------------------------------------------------------------------------------------------------

    def _once(self):
        rig, own = self.rig, self.rig.own
        everybody = [own(user) for user in rig.users if user != "journal"]
        self.receive("in-alias-allhands", [self._expanded(own("allhands"), *everybody)])
        self.receive("in-oversize-undeclared", self.to_someone(lambda address: self.rejected(address, "data", 552)),
                     attachments=[("big.bin", "application/octet-stream", b"\1" * 1_600_000)],
                     session={"declare_size": False})
        looping, circling = f"any@loop.{rig.org}", f"ping@lists.{rig.org}"
        self.receive("in-routing-loop", [(looping, [self.bounced(looping, "edge1 or hub1", "5.4.0")])],
                     sender=f"looper@{rig.partner}")
        self.receive("in-forward-loop", [(circling, [self.bounced(circling, "hub1", "5.4.6")])],
                     sender=f"looper2@{rig.partner}")
        for name, place in (("archive", "command"), ("tofile", "file")):
            address = f"{name}@lists.{rig.org}"
            self.receive(f"in-local-{place}", [(address, [self.delivered(address, at=f"hub1 {place}")])])
        self.receive("in-attach-all", self.to_someone(), attachments=attachments.documents(rig))
        for kind, entity in attachments.protected(rig).items():
            self._protected(kind, entity)

    def _protected(self, kind, entity):
        peer, subject = f"peer@{self.rig.partner}", self.rig.subject
        sent = self.send("protected", self.reached(peer), user="frontdesk", subject=subject(kind), entity=entity)
        got = self.receive("protected", self.to_someone(), sender=peer, subject=subject(kind), entity=entity,
                           session={"tls": True})
        sent.record["crypto"] = got.record["crypto"] = kind
