#!/usr/bin/env python3
"""driver.py RIGDIR OUTDIR [--seed N] [--run NAME]: known traffic through a started rig of rigs/across, and the truth about it.

OUTDIR/ground-truth.json has the form of rigs/postfix-chain's: what was submitted with the servers' answers, what must become of each
recipient, and what mailboxes, outside servers and queues show afterwards. Exits 1 when an expectation and an observation differ.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", folder) for folder in ("lib", "postfix-chain")]
sys.dont_write_bytecode = True

import attachments  # noqa: E402
import mail  # noqa: E402
import truth  # noqa: E402
from smtpkit import facts  # noqa: E402

ALT = os.path.join(HERE, "..", "alt-mta", "rig.sh")
SETTLED_WITHIN_S = 120
EARLIEST_END_S = 15
LAST_MESSAGE_SETTLES_S = 4


class Rig(mail.Rig):
    """The hub's rig with the two others beside it."""

    def __init__(self, directory, seed, scratch):
        super().__init__(f"{directory}/hub", seed, scratch)
        self.all = os.path.abspath(directory)
        self.gateway, self.store = (self.net_of(name) + ".4" for name in ("exim1", "sendmail1"))

    def net_of(self, name):
        with open(f"{self.all}/{name}/rig.env", encoding="utf-8") as settings:
            return re.search(r"RIG_NET='([^']*)'", settings.read()).group(1)

    def queues(self):
        command = [f"{HERE}/rig.sh", "queues", self.all]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class Traffic:
    """What is sent, and what must become of each recipient."""

    def __init__(self, rig):
        self.rig = rig

    # ---- what must become of a recipient -------------------------------------------------------------------------

    def reached(self, *addresses):
        return [(address, [self.delivered(address)]) for address in addresses]

    def delivered(self, final, **more):
        return {"final": final, "outcome": "delivered", "at": "mailbox" if final.endswith("@" + self.rig.org) else "outside", **more}

    def expanded(self, alias, *finals):
        return (alias, [self.delivered(final, orig_to=alias) for final in finals])

    @staticmethod
    def bounced(address, by, outcome="bounced"):
        return (address, [{"final": address, "outcome": outcome, "by": by, "dsn_expected": True}])

    @staticmethod
    def rejected(address, at, stage, code):
        return (address, [{"final": address, "outcome": "rejected", "at": at, "stage": stage, "code": code}])

    def files(self, *names):
        return [file for file in attachments.documents(self.rig) if file[0] in names]

    # ---- the ways in ---------------------------------------------------------------------------------------------

    def receive(self, scenario, *recipients, sender=None, session=None, **content):
        """From an outside client to the gateway."""
        rig = self.rig
        message = mail.Message(rig, scenario, sender or rig.outsider(), recipients, **content)
        client, helo = f"{rig.net_of('exim1')}.60", f"out1.{rig.partner}"
        mail.Session(message, rig.gateway, 25, client, helo, **(session or {})).run()

    def send(self, scenario, *recipients, user=None, **content):
        """From one of our own machines to the store."""
        rig = self.rig
        message = mail.Message(rig, scenario, rig.own(user or rig.anyone()), recipients, **content)
        client, helo = f"{rig.net_of('sendmail1')}.70", f"pc1.{rig.org}"
        mail.Session(message, rig.store, 25, client, helo, path="submission").run()

    def submit(self, scenario, *recipients, **content):
        """By the store's own submission client, as one of its users: nobody answers with a queue id."""
        rig = self.rig
        message = mail.Message(rig, scenario, rig.own(rig.anyone()), recipients, **content)
        data, at, record = message.data(), time.time(), message.record
        record["rcpts"] = [{"addr": address, "expect": expect} for address, expect in recipients]
        command = [ALT, "submit", f"{rig.all}/sendmail1", record["envelope_from"], *(address for address, _ in recipients)]
        subprocess.run(command, input=data.replace(b"\r\n", b"\n"), check=True)
        message.sent(at, data, "pickup", first_hop="sendmail1:submit")

    # ---- the situations --------------------------------------------------------------------------------------------

    def begin(self):
        """Mail whose fate takes retries."""
        grey, dead, partner = (f"{name}.{self.rig.ext}" for name in ("grey", "dead", "partner"))
        self.send("out-expired", self.bounced(f"gone@{dead}", "exim1", "expired"))
        self.send("out-greylisted", *self.reached(f"contact@{grey}"))
        self.send("out-greylisted-and-not", *self.reached(f"g1@{grey}", f"desk@{partner}", self.rig.own("frontdesk")))

    def inward(self):
        rig, own = self.rig, self.rig.own
        for tls in (False, True):
            self.receive("in-simple", *self.reached(own(rig.anyone())), session={"tls": tls})
        self.receive("in-multi", *self.reached(*map(own, rig.random.sample(rig.people, 3))))
        self.receive("in-alias-in-and-out", self.expanded(own("extgroup"), own("ops1"), f"contact@{rig.partner}"),
                     subject="Minutes of the meeting",
                     attachments=self.files("report.pdf", "table.xlsx"))
        self.receive("in-alias-and-member", self.expanded(own("sales"), own("sales1"), own("sales2"), own("sales3")),
                     *self.reached(own("helpdesk")))
        self.receive("in-forward-out", self.expanded(own("fwdout"), f"contact2@{rig.partner}"))
        self.receive("in-no-message-id", *self.reached(own(rig.anyone())), message_id=None)
        same = f"<twice.{rig.random.getrandbits(30)}@{rig.partner}>"
        for _ in range(2):
            self.receive("in-same-message-id", *self.reached(own("payroll")), message_id=same, sender=f"desk@{rig.partner}")
        self.receive("in-unknown-at-store", self.bounced(own("missing"), "hub1"))
        self.receive("in-partly-unknown", *self.reached(own(rig.anyone())), self.bounced(own("missing2"), "hub1"))
        self.receive("in-filter-rejected", self.bounced(own("dev1"), "hub1"), subject=rig.subject("FILTER-REJECT"))
        dropped = own("dev2")
        self.receive("in-filter-discarded", (dropped, [{"final": dropped, "outcome": "discarded"}]),
                     subject=rig.subject("FILTER-DISCARD"))
        self.receive("in-filter-tempfail", *self.reached(own("helpdesk")), subject=rig.subject("FILTER-TEMPFAIL"))

    def refused(self):
        rig, own = self.rig, self.rig.own
        big = [("big.bin", "application/octet-stream", b"\0" * 1_200_000)]
        self.receive("in-oversize", self.rejected(own("ops1"), "exim1", "mail", 552), attachments=big)
        self.receive("in-relay-denied", self.rejected(f"victim@other.{rig.ext}", "exim1", "rcpt", 550))
        self.receive("in-content-refused", self.rejected(own("ops1"), "exim1", "data", 550), subject="REFUSE-CONTENT now")
        self.send("out-oversize", self.rejected(f"x@{rig.partner}", "sendmail1", "mail", 552), attachments=big)

    def outward(self):
        rig, own, partner = self.rig, self.rig.own, self.rig.partner
        self.send("out-simple", *self.reached(f"client1@{partner}"))
        self.send("out-multi", *self.reached(f"client2@{partner}", f"client3@{partner}", own("sales3")),
                  attachments=self.files("Übersicht 2026.pdf"))
        members = (own("dev1"), own("dev2"), own("ops2"), f"contact3@{partner}")
        self.send("out-list", self.expanded(f"staff@lists.{rig.org}", *members), user="helpdesk")
        self.send("internal", *self.reached(own("payroll")))
        self.send("out-rejected-rcpt", self.bounced(f"r550-x@{partner}", "exim1"), *self.reached(f"good@{partner}"))
        self.send("out-rejected-data", self.bounced(f"d554-x@{partner}", "exim1"))
        self.send("out-unknown-domain", self.bounced(f"x@nosuch.{rig.ext}", "exim1"))
        self.submit("out-submitted", *self.reached(f"client4@{partner}", own("sales1")))

    def end(self):
        # Not the dead server, which Exim has given up by now.
        late = f"late@slow.{self.rig.ext}"
        self.send("out-still-deferred", (late, [{"final": late, "outcome": "deferred", "at": "exim1"}]))


class Comparison(truth.Comparison):
    def __init__(self, deliveries, waiting):
        super().__init__(deliveries, {"edge1": []})
        self.listing = waiting

    def _holds(self, message, recipient, expect):
        if expect["outcome"] == "deferred":
            return expect["final"] in self.listing
        return super()._holds(message, recipient, expect)


def observe(rig):
    """One row per copy that arrived: in the store's mailboxes, and at the outside servers of all three rigs."""
    rows = []
    for user in sorted(os.listdir(f"{rig.all}/sendmail1/mail")):
        folder = f"{rig.all}/sendmail1/mail/{user}/new"
        for name in sorted(os.listdir(folder)):
            with open(f"{folder}/{name}", "rb") as file:
                rows.append({**facts(file.read()), "at": "mailbox", "final": rig.own(user)})
    for event in outside(rig):
        if event["ev"] == "accepted":
            row = {key: value for key, value in event.items() if key not in ("rcpts", "ev")}
            rows += [{**row, "at": "outside", "final": recipient, "envelope_from": event["from"]} for recipient in event["rcpts"]]
    return rows


def outside(rig):
    logs = ("exim1/sink.jsonl", "sendmail1/sink.jsonl", "hub/out/sink.jsonl")
    return [event for log in logs for event in truth.json_lines(f"{rig.all}/{log}")]


def settle(rig, started):
    """Until all is as expected, for a while: expiry and retries take their time."""
    while time.time() < started + SETTLED_WITHIN_S:
        time.sleep(2)
        if not Comparison(observe(rig), rig.queues()).run(rig.messages) and time.time() > started + EARLIEST_END_S:
            return


def drive(rig):
    started, traffic = time.time(), Traffic(rig)
    for part in (traffic.begin, traffic.inward, traffic.refused, traffic.outward):
        part()
    settle(rig, started)
    traffic.end()
    time.sleep(LAST_MESSAGE_SETTLES_S)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rigdir", help="directory of the started rig")
    parser.add_argument("outdir", help="where ground-truth.json goes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--run", default="run", help="name kept in the truth")
    return parser.parse_args()


def main():
    options, started = arguments(), time.time()
    os.makedirs(options.outdir, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="rigdrv") as scratch:
        rig = Rig(options.rigdir, options.seed, scratch)
        drive(rig)
    deliveries, waiting = observe(rig), rig.queues()
    differences = Comparison(deliveries, waiting).run(rig.messages)
    truth.add_observed_hops(rig.messages, deliveries)
    generated = [row for row in deliveries if not row["gt_id"] and (row.get("dsn") or row.get("auto_submitted"))]
    record = {
        "run": options.run, "seed": options.seed, "rig_env": rig.env,
        "hosts": {"exim1": rig.gateway, "hub1": rig.hub, "sendmail1": rig.store},
        "all_expectations_verified": not differences, "messages": rig.messages,
        "generated_messages_observed": generated, "deliveries_observed": deliveries,
        "filter_observed": truth.json_lines(f"{rig.directory}/out/filter.jsonl"),
        "outside_observed": outside(rig), "queues_at_end": waiting,
    }
    with open(f"{options.outdir}/ground-truth.json", "w", encoding="utf-8") as file:
        json.dump(record, file, indent=1, sort_keys=True, ensure_ascii=False)
    print(f"messages submitted: {len(rig.messages)}; deliveries observed: {len(deliveries)}; generated: {len(generated)}; "
          f"differences: {len(differences)}; {time.time() - started:.0f} s")
    for difference in differences:
        print("DIFF", difference)
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
