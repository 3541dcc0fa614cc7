#!/usr/bin/env python3
"""driver.py RIGDIR RUN: known traffic for the chasquid rig, and its truth as ground-truth.json.

What became of each message is looked up in mailboxes and at the outside servers, and its queue id in the queue's own files; never in a log."""

import email.message
import json
import os
import re
import smtplib
import ssl
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.dont_write_bytecode = True
from smtpkit import facts  # noqa: E402

RIG, RUN = sys.argv[1], sys.argv[2]
SERVER = "127.0.0.4"
MESSAGES = []
QUEUE_IDS = {}


def watch_queue():
    """chasquid tells its clients no queue id. Its files last at least as long as a delivery, and rig.sh sees to it that this takes a while."""
    seen = set()
    while True:
        # Others are files that are still being written.
        for name in {name for name in os.listdir(f"{RIG}/data/queue") if name.startswith("m:")} - seen:
            try:
                with open(f"{RIG}/data/queue/{name}", encoding="utf-8") as file:
                    item = file.read()
            except FileNotFoundError:
                continue
            seen.add(name)
            gt_id = re.search(r"X-GT-ID: ([-\w]+)", item)
            if gt_id and "multipart/report" not in item:
                QUEUE_IDS[gt_id.group(1)] = name.removeprefix("m:")
        time.sleep(0.005)


def expect(outcome, final, orig=None, **more):
    return {"final": final, "outcome": outcome, **({"orig_to": orig} if orig else {}), **more}


def delivered(final, orig=None):
    return expect("delivered", final, orig)


def refused(final, stage="rcpt"):
    return expect("rejected", final, stage=stage)


def open_session(user, client_ip):
    smtp = smtplib.SMTP(SERVER, 587 if user else 25, local_hostname="client.example.net", timeout=60, source_address=(client_ip, 0))
    smtp.ehlo()
    if user:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        smtp.starttls(context=context)
        smtp.login(user, "secret")
    return smtp


def send(scenario, sender, recipients, user=None, client_ip="127.0.0.60", received=0, headers=()):
    """One message; `recipients` are pairs of an address and what should become of it."""
    gt_id = f"GT-{len(MESSAGES) + 1:04d}"
    message = email.message.EmailMessage()
    message["From"] = sender or "mailer-daemon@partner.example.net"
    message["To"] = ", ".join(address for address, _ in recipients)
    message["Subject"] = f"{scenario} {gt_id}"
    message["Message-ID"] = f"<{gt_id.lower()}.{time.time_ns():x}@{(sender or 'x@partner.example.net').split('@')[1]}>"
    message["X-GT-ID"] = gt_id
    for _ in range(received):
        message["Received"] = "from a by b; Mon, 2 Mar 2026 10:00:00 +0000"
    for name, value in headers:
        message[name] = value
    message.set_content("minutes of the meeting\n" * 5)
    row = {"gt_id": gt_id, "scenario": scenario, "envelope_from": sender, "message_id": message["Message-ID"],
           "client_ip": client_ip, "user": user, "submitted_at": round(time.time(), 3), "rcpts": []}
    MESSAGES.append(row)
    smtp = open_session(user, client_ip)
    code, text = smtp.mail(sender)
    row["mail_code"], accepted = code, 0
    for address, expected in recipients:
        if code == 250:
            answer, words = smtp.rcpt(address)
            accepted += answer == 250
            row["rcpts"].append({"addr": address, "smtp_code": answer, "smtp_text": words.decode(), "expect": expected})
        else:
            row["rcpts"].append({"addr": address, "smtp_code": code, "smtp_text": text.decode(), "expect": expected})
    if accepted:
        code, text = smtp.data(message.as_bytes(policy=message.policy.clone(linesep="\r\n")))
        row["data_code"], row["data_text"] = code, text.decode()
    smtp.close()


def login_that_fails():
    smtp = open_session(None, "127.0.0.61")
    smtp.close()
    smtp = smtplib.SMTP(SERVER, 587, timeout=60)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    smtp.starttls(context=context)
    try:
        smtp.login("ops1@example.com", "wrong")
    except smtplib.SMTPAuthenticationError:
        pass
    smtp.close()


def traffic():
    outside, inside = "desk@partner.example.net", "dev1@example.com"
    ours = {"user": "ops1@example.com", "client_ip": "127.0.0.70"}
    send("out-greylisted", "ops1@example.com", [("bob@grey.example.net", [delivered("bob@grey.example.net")])], **ours)
    send("out-never-delivered", "ops1@example.com", [("gone@dead.example.net", [expect("deferred", "gone@dead.example.net")])], **ours)
    send("in-full-mailbox", outside, [("full@example.com", [expect("deferred", "full@example.com")]), (inside, [delivered(inside)])])
    for turn in range(3):
        send("in-simple", f"{turn}.{outside}", [(inside, [delivered(inside)])])
        send("out-simple", "dev1@example.com", [(f"client{turn}@partner.example.net", [delivered(f"client{turn}@partner.example.net")])],
             user="dev1@example.com", client_ip="127.0.0.71")
        send("internal", "ops1@example.com", [("sales1@example.com", [delivered("sales1@example.com")])], **ours)
    send("in-multi", outside, [(f"{name}@example.com", [delivered(f"{name}@example.com")]) for name in ("sales1", "sales2", "ops1")])
    send("in-alias", outside, [("sales@example.com", [delivered(f"sales{n}@example.com", "sales@example.com") for n in (1, 2)])])
    send("in-alias-external-member", outside, [("abroad@example.com", [
        delivered("ops1@example.com", "abroad@example.com"), delivered("contact@partner.example.net", "abroad@example.com")])])
    send("in-pipe", outside, [("robot@example.com", [delivered("/bin/sleep 0.2", "robot@example.com")])])
    send("in-null-sender", "", [(inside, [delivered(inside)])])
    send("in-detail", outside, [("dev1+minutes@example.com", [delivered("dev1@example.com")])])
    send("internal-broken-mailbox", "ops1@example.com", [("broken@example.com", [expect("bounced", "broken@example.com")]), (inside, [delivered(inside)])], **ours)
    send("in-unknown-user", outside, [("nobody@example.com", [refused("nobody@example.com")])])
    send("in-partly-unknown", outside, [("missing@example.com", [refused("missing@example.com")]), (inside, [delivered(inside)])])
    send("in-relay-denied", outside, [("victim@other.example.net", [refused("victim@other.example.net")])])
    send("in-spf-failed", "ceo@forged.example.net", [(inside, [refused(inside, "mail")])])
    send("in-loop", outside, [(inside, [refused(inside, "data")])], received=60)
    send("out-mixed", "ops1@example.com", [("desk@partner.example.net", [delivered("desk@partner.example.net")]), (inside, [delivered(inside)])], **ours)
    send("out-refused-recipient", "ops1@example.com", [
        ("r550-x@partner.example.net", [expect("bounced", "r550-x@partner.example.net")]),
        ("good@partner.example.net", [delivered("good@partner.example.net")])], **ours)
    send("out-refused-content", "dev1@example.com", [("d554-x@partner.example.net", [expect("bounced", "d554-x@partner.example.net")])],
         user="dev1@example.com", client_ip="127.0.0.71")
    send("out-unknown-domain", "dev1@example.com", [("x@nosuch.example.net", [expect("deferred", "x@nosuch.example.net")])],
         user="dev1@example.com", client_ip="127.0.0.71")
    login_that_fails()


def observed():
    """(gt id, recipient) of everything that arrived, and of everything that a notice speaks of."""
    found, notices = [], []
    for user in sorted(os.listdir(f"{RIG}/mail")):
        for name in os.listdir(f"{RIG}/mail/{user}"):
            with open(f"{RIG}/mail/{user}/{name}", "rb") as file:
                data = file.read()
            text = data.decode("utf-8", "replace")
            if re.search(r"^Subject: Mail delivery failed", text, re.M):
                about = re.search(r"X-GT-ID: ([-\w]+)", text).group(1)
                notices += [(about, recipient) for recipient in re.findall(r"^Final-Recipient: \S+; *(\S+)", text, re.M)]
            else:
                found.append((facts(data)["gt_id"], f"{user}@example.com"))
    with open(f"{RIG}/sink.jsonl", encoding="utf-8") as file:
        for row in map(json.loads, file):
            if row["ev"] == "accepted":
                found += [(row["gt_id"], recipient) for recipient in row["rcpts"]]
    return found, notices


def differences():
    found, notices = observed()
    queue = "".join(open(f"{RIG}/data/queue/{name}", encoding="utf-8").read() for name in os.listdir(f"{RIG}/data/queue"))
    wrong, wanted = [], []
    for message in MESSAGES:
        for recipient in message["rcpts"]:
            for expected in recipient["expect"]:
                key = (message["gt_id"], expected["final"])
                outcome = expected["outcome"]
                if outcome == "delivered" and expected["final"].startswith("/"):
                    right = True  # a program that leaves no trace
                elif outcome == "delivered":
                    wanted.append(key)
                    right = found.count(key) == 1
                elif outcome == "bounced":
                    right = key not in found and key in notices
                elif outcome == "deferred":
                    right = key not in found and expected["final"] in queue
                else:
                    codes = [recipient["smtp_code"], message.get("data_code", 0)]
                    right = max(codes) >= 500 and key not in found
                expected["verified"] = right
                if not right:
                    wrong.append((key, expected, recipient.get("smtp_text"), message.get("data_text")))
    return wrong + [("surplus", key) for key in found if key not in wanted]


threading.Thread(target=watch_queue, daemon=True).start()
traffic()
end = time.time() + 200
while (wrong := differences()) and time.time() < end:
    time.sleep(2)
time.sleep(3)
for one in MESSAGES:
    one["queue_id"] = QUEUE_IDS.get(one["gt_id"])
wrong += [("no queue id", one["gt_id"]) for one in MESSAGES if one.get("data_code") == 250 and not one["queue_id"]]
truth = {"run": RUN, "kind": "chasquid", "messages": MESSAGES, "all_expectations_verified": not wrong}
with open(f"{RIG}/ground-truth.json", "w", encoding="utf-8") as file:
    json.dump(truth, file, indent=1, sort_keys=True)
print(f"chasquid: {len(MESSAGES)} messages, {len(wrong)} differences")
for one in wrong:
    print("DIFF", one)
sys.exit(bool(wrong))
