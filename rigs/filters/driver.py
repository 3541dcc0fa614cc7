#!/usr/bin/env python3
"""driver.py RIG OUT after|before: sends each situation, and writes what became of it from replies, mailboxes and the outside server.

Nothing here reads a log. `ground-truth.json` has the form that testdata/postfix-chain/README.md describes; `verdict` lists the words
that the signer, the sender's address and the message itself make true.
"""

import asyncio
import glob
import json
import os
import re
import smtplib
import subprocess
import sys
import threading
import time

RIG, OUT, MODE = sys.argv[1:4]
PARTNER, STRANGER, INSIDE = "192.0.2.10", "192.0.2.11", "192.0.2.20"
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
outside, messages = [], []


class Sink(threading.Thread):
    """The partner's server: takes everything."""

    def __init__(self):
        super().__init__(daemon=True)

    def run(self):
        asyncio.run(self.serve())

    async def serve(self):
        server = await asyncio.start_server(self.talk, PARTNER, 25)
        await server.serve_forever()

    async def talk(self, reader, writer):
        def say(text):
            writer.write(text.encode() + b"\r\n")
        recipients, taken = [], 0
        say("220 out1.partner.example.net ESMTP")
        while line := await reader.readline():
            word = line.decode("utf-8", "replace").strip()
            verb = word.upper()
            if verb.startswith("RCPT"):
                recipients.append(re.search(r"<(.*?)>", word).group(1))
            if verb == "DATA":
                say("354 go on")
                data = b""
                while not data.endswith(b"\r\n.\r\n") and (more := await reader.readline()):
                    data += more
                taken += 1
                outside.extend((stamp(data), recipient) for recipient in recipients)
                recipients = []
                say(f"250 2.0.0 Ok: queued as PARTNER{taken:04d}")
            elif verb == "QUIT":
                say("221 bye")
                break
            else:
                say("250 Ok")
        writer.close()


def stamp(data):
    found = re.search(rb"^X-GT-ID: (\S+)", data, re.M)
    return found.group(1).decode() if found else None


def signed(text, domain):
    """As the domain's owner signs it."""
    done = subprocess.run(["opendkim-testmsg", "-d", domain, "-s", "sel", "-k", f"{RIG}/keys/{domain}.private"],
                          input=text, capture_output=True, check=True)
    return done.stdout


def build(number, scenario, sender, recipients, options):
    gt_id = f"fl-{number:03d}"
    message_id = options.get("message_id") or f"<{gt_id}.{MODE}@{sender.split('@')[-1]}>"
    head = [f"From: Somebody <{options.get('header_from', sender)}>", f"To: <{recipients[0]}>",
            f"Subject: {options.get('subject', scenario)}", "Date: Mon, 23 Nov 2026 03:30:00 +0000",
            f"Message-ID: {message_id}", f"X-GT-ID: {gt_id}", "MIME-Version: 1.0"]
    body = options.get("body", f"This is {scenario}.")
    if options.get("attachment"):
        head.append('Content-Type: multipart/mixed; boundary="edge"')
        body = ("--edge\r\nContent-Type: text/plain\r\n\r\nSee there.\r\n--edge\r\nContent-Type: application/octet-stream; "
                f'name="{options["attachment"]}"\r\nContent-Disposition: attachment; filename="{options["attachment"]}"\r\n'
                "Content-Transfer-Encoding: base64\r\n\r\nTVqQAAMAAAA=\r\n--edge--")
    text = ("\r\n".join(head) + "\r\n\r\n" + body + "\r\n").encode("latin-1")
    if options.get("sign"):
        text = signed(text, options["sign"])
    if options.get("spoil"):
        text += b"One line more.\r\n"
    return gt_id, message_id, text


def attempt(client, sender, recipients, text):
    """One try: refused recipients with their codes, the refusal of the whole, and the name that the server gave it."""
    with smtplib.SMTP("192.0.2.1", 25, local_hostname={PARTNER: "out1.partner.example.net", STRANGER: "stranger.example.org",
                      INSIDE: "pc1.example.com"}[client], source_address=(client, 0)) as session:
        session.ehlo()
        session.mail(sender)
        refused = {}
        for recipient in recipients:
            code, _ = session.rcpt(recipient)
            if code >= 400:
                refused[recipient] = code
        if len(refused) == len(recipients):
            return refused, None, None
        code, reply = session.data(text)
        queue_id = re.search(rb"queued as (\w+)", reply)
        return refused, (code if code >= 400 else None), (queue_id.group(1).decode() if queue_id else None)


def record(gt_id, scenario, message_id, queue_id, expectations, verdict=()):
    messages.append({"gt_id": gt_id, "scenario": scenario, "message_id": message_id, "queue_id": queue_id,
                     "verdict": list(verdict), "rcpts": [{"addr": final, "expect": [{"final": final, **expect}]}
                                                         for final, expect in expectations]})


def send(number, scenario, recipients, outcome="delivered", client=PARTNER, sender="ann@partner.example.net", verdict=(), **options):
    """Sends until it is not put off any more, as a server would."""
    gt_id, message_id, text = build(number, scenario, sender, recipients, options)
    for _ in range(4):
        refused, whole, queue_id = attempt(client, sender, recipients, text)
        put_off = {to: code for to, code in refused.items() if code < 500}
        rejected = [(to, {"outcome": "rejected", "stage": "rcpt", "code": code}) for to, code in refused.items()]
        if whole:
            rejected += [(to, {"outcome": "rejected", "stage": "end-of-data", "code": whole}) for to in recipients[:1]]
        if rejected:
            record(gt_id + "-refused", scenario, message_id, None, rejected)
        if queue_id:
            kept = [to for to in recipients if to not in refused]
            wanted = [(to, {"outcome": outcome(to) if callable(outcome) else outcome}) for to in kept]
            record(gt_id, scenario, message_id, queue_id, wanted, verdict)
        recipients = list(put_off)
        if not recipients:
            return
        time.sleep(2.5)


def situations():
    # Before the queue, OpenDMARC sees only Amavis, whom it trusts.
    dkim = ["dkim pass partner.example.net"] + (["dmarc pass partner.example.net"] if MODE == "after" else [])
    spam = "Free money " + GTUBE
    clean = "amavis CLEAN"
    number = 0
    for turn in range(3):
        def go(scenario, *args, **kwargs):
            nonlocal number
            number += 1
            send(number, scenario, *args, **kwargs)
        go("clean-unsigned", [f"bob{turn}@example.com"], verdict=[clean])
        go("clean-signed", ["bob@example.com"], sign="partner.example.net", verdict=[clean, *dkim])
        go("two-recipients", ["bob@example.com", "eve@example.com"], sign="partner.example.net", verdict=[clean, *dkim])
        go("signature-broken", ["eve@example.com"], sign="partner.example.net", spoil=True, verdict=[clean, "dkim fail partner.example.net"])
        if MODE == "after":
            go("spam-discarded", ["bob@example.com"], "filtered", body=spam, verdict=["amavis SPAM"])
            go("spam-for-one-of-two", ["bob@example.com", "lover@example.com"],
               lambda to: "delivered" if to.startswith("lover") else "filtered", body=spam, verdict=["amavis SPAM"])
            go("banned-bounced", ["eve@example.com"], "bounced", attachment="tool.exe", verdict=["amavis BANNED"])
        else:
            go("spam-refused", ["bob@example.com"], body=spam)
            go("banned-refused", ["eve@example.com"], attachment="tool.exe")
        go("header-with-8-bit", ["eve@example.com"], subject="caf\xe9", verdict=["amavis BAD-HEADER"])
        go("many-recipients", [f"member{place:02d}.of.a.very.long.list.with.many.many.members.{turn}@example.com" for place in range(16)], verdict=[clean])
        go("dmarc-refused", ["bob@example.com"], header_from="boss@strict.example.org")
        go("spf-refused", ["bob@example.com"], client=STRANGER, sender="boss@strict.example.org")
        for _ in range(2):
            go("same-message-id", ["bob@example.com"], message_id=f"<same{turn}.{MODE}@partner.example.net>", verdict=[clean])
        go("out-signed", [f"client{turn}@partner.example.net"], client=INSIDE, sender="bob@example.com", verdict=[clean])


def stored():
    for path in glob.glob(f"{RIG}/mail/*/new/*"):
        with open(path, "rb") as file:
            data = file.read()
        head = data.split(b"\n\n", 1)[0]
        hops = re.findall(rb"^Received: .*?\bid (\w+)", head, re.M | re.S)
        ids = [found.decode() for found in re.findall(rb"by mx1\.example\.com \(Postfix\)[^;]*?\bid ([0-9A-Z]+)", head, re.S)]
        yield stamp(data), os.path.basename(os.path.dirname(os.path.dirname(path))) + "@example.com", ids[::-1], hops


def wait():
    for _ in range(120):
        waiting = subprocess.run(["postqueue", "-j"], capture_output=True, text=True, check=False).stdout
        if not waiting.strip():
            return
        time.sleep(0.5)
    print("still waiting:", waiting)


def main():
    Sink().start()
    time.sleep(0.5)
    situations()
    wait()
    copies = [(gt_id, to, ids) for gt_id, to, ids, _ in stored()] + [(gt_id, to, []) for gt_id, to in outside]
    problems = []
    for message in messages:
        for recipient in message["rcpts"]:
            for expect in recipient["expect"]:
                here = [copy for copy in copies if copy[:2] == (message["gt_id"], expect["final"])]
                wanted = 1 if expect["outcome"] == "delivered" else 0
                if len(here) != wanted:
                    problems.append((message["gt_id"], message["scenario"], expect, len(here)))
                if here and here[0][2]:
                    expect["observed_hops"] = [{"id": queue_id} for queue_id in here[0][2]]
    with open(f"{OUT}/ground-truth.json", "w", encoding="utf-8") as file:
        json.dump({"mode": MODE, "messages": messages}, file, indent=1)
    print(f"{len(messages)} records, {len(copies)} copies, {len(problems)} not as expected")
    for problem in problems:
        print("  ", problem)
    return 1 if problems else 0


sys.exit(main())
