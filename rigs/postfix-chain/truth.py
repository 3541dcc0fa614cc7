"""What really happened, read from the mail stores, the outside servers, the filter and the queues; never from a log.

`observe` collects it, `compare` holds it against what the scenarios expected.
"""

import collections
import json
import os
import re
import subprocess

from smtpkit import facts

HOSTS = ("edge1", "hub1", "mbx1")


def json_lines(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def queues(rig):
    """Host -> what waits in its queue."""
    found = {}
    for host in HOSTS:
        listing = subprocess.run(["postqueue", "-c", f"{rig.directory}/{host}/etc", "-j"], capture_output=True,
                                 text=True, check=False)
        found[host] = [json.loads(line) for line in listing.stdout.splitlines()]
    return found


def observe(rig):
    """One row per copy of a message that arrived somewhere."""
    return [*_in_mailboxes(rig), *_at_local_programs(rig), *_outside(rig)]


def _in_mailboxes(rig):
    home = f"{rig.directory}/mbx1/dovecot/home"
    for user in sorted(os.listdir(home)):
        for folder, _, files in os.walk(f"{home}/{user}/Maildir"):
            if os.path.basename(folder) in ("new", "cur"):
                yield from (_stored(user, folder, name) for name in files)


def _stored(user, folder, name):
    with open(f"{folder}/{name}", "rb") as file:
        data = file.read()
    mailbox = os.path.basename(os.path.dirname(folder))
    sender = re.search(rb"^Return-Path: <(.*?)>", data, re.M)
    return {
        **facts(data), "at": "mailbox", "final": user, "folder": "INBOX" if mailbox == "Maildir" else mailbox.lstrip("."),
        "envelope_from": sender.group(1).decode() if sender else None,
        "stored_mtime": round(os.path.getmtime(f"{folder}/{name}"), 3),
    }


def _at_local_programs(rig):
    for name, place in (("archive.txt", "hub1 command"), ("tofile.mbox", "hub1 file")):
        path = f"{rig.directory}/hub1/out/{name}"
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8", errors="replace") as file:
            for gt_id in re.findall(r"^X-GT-ID: (\S+)", file.read(), re.M):
                final = f"{name.split('.')[0]}@lists.{rig.org}"
                yield {"at": place, "final": final, "gt_id": gt_id, "hops": [], "subject": None, "auto_submitted": None}


def _outside(rig):
    for event in json_lines(f"{rig.directory}/out/sink.jsonl"):
        if event["ev"] == "accepted":
            row = {key: value for key, value in event.items() if key not in ("rcpts", "ev")}
            for recipient in event["rcpts"]:
                yield {**row, "at": "outside", "final": recipient, "envelope_from": event["from"]}


def add_observed_hops(messages, deliveries):
    """Gives each expectation the path that the delivered copy tells in its Received lines."""
    for message in messages:
        for recipient in message["rcpts"]:
            for expect in recipient["expect"]:
                for delivery in deliveries:
                    same = delivery["gt_id"] == message["gt_id"] and delivery["final"] == expect["final"]
                    if same and not delivery.get("dsn"):
                        expect["observed_hops"] = delivery["hops"]
                        break


class Comparison:
    """Marks each expectation as verified or not, and lists the differences."""

    def __init__(self, deliveries, waiting):
        self.deliveries, self.differences = deliveries, []
        self.waiting = waiting["edge1"]
        self.held = {entry["queue_id"] for entry in self.waiting if entry["queue_name"] == "hold"}
        self.copies = collections.Counter(
            (row["gt_id"], row["final"], row["at"], row.get("folder"))
            for row in deliveries if row["gt_id"] and not row.get("dsn"))
        self.reports = {
            (row.get("dsn_of_gt_id"), part["Final-Recipient"].split(";")[-1].strip().lower(), part["Action"])
            for row in deliveries for part in row.get("dsn", [])}

    def run(self, messages):
        wanted = collections.Counter()
        for message in messages:
            for recipient in message["rcpts"]:
                for expect in recipient["expect"]:
                    if expect["outcome"] == "delivered":
                        wanted[self._place(message, expect)] += 1
                    expect["verified"] = self._holds(message, recipient, expect)
                    if not expect["verified"]:
                        self.differences.append((message["gt_id"], message["scenario"], recipient["addr"], expect))
            for notice in message.get("also_generates", []):
                notice["verified"] = self._was_generated(message, notice)
                if not notice["verified"]:
                    self.differences.append((message["gt_id"], message["scenario"], notice))
        for place, count in self.copies.items():
            if wanted[place] != count:
                self.differences.append(("copies", place, count, "wanted", wanted[place]))
        return self.differences

    @staticmethod
    def _place(message, expect):
        return (message["gt_id"], expect["final"], expect["at"], expect.get("folder"))

    def _holds(self, message, recipient, expect):
        match expect["outcome"]:
            case "delivered":
                return self.copies[self._place(message, expect)] == 1
            case "bounced" | "expired":
                reported = (message["gt_id"], expect["final"].lower(), "failed") in self.reports
                return reported == expect["dsn_expected"]
            case "rejected":
                codes = {"rcpt": recipient.get("smtp_code")}
                codes.update((stage, message.get(f"{stage}_code")) for stage in ("mail", "data", "auth"))
                return codes[expect["stage"]] == expect["code"]
            case "deferred":
                return any(entry["queue_name"] == "deferred"
                           and any(waiting["address"] == expect["final"] for waiting in entry["recipients"])
                           for entry in self.waiting)
            case "held":
                return message.get("queue_id") in self.held
            case _:
                return not any(place[0] == message["gt_id"] for place, count in self.copies.items() if count)

    def _was_generated(self, message, notice):
        if notice["kind"] == "autoreply":
            replies = [row for row in self.deliveries if row["final"] == notice["to"]
                       and (row["auto_submitted"] or "").startswith("auto-replied")]
            return len(replies) == 1
        return any(row.get("dsn_of_gt_id") == message["gt_id"] and row["final"] == notice["to"]
                   and any(part["Action"] in ("relayed", "delivered") for part in row["dsn"])
                   for row in self.deliveries)
