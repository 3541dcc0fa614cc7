#!/usr/bin/env python3
"""Drives known traffic through a started postfix-chain rig and writes the exact truth about it.

OUTDIR/ground-truth.json holds what was submitted (with the server's own SMTP answers), what must become of every
recipient, and what the mail stores, the outside servers, the filter and the queues themselves show afterwards. Exits 1
when an expectation and an observation differ. Standard library only; takes about a minute.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.dont_write_bytecode = True

from mail import Rig  # noqa: E402
from scenarios import Scenarios  # noqa: E402
import truth  # noqa: E402

SLOW_PORT_OPENS_AFTER_S = 18
QUEUES_EMPTY_WITHIN_S = 150
LAST_MESSAGE_SETTLES_S = 5


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rigdir", help="directory of the started rig")
    parser.add_argument("outdir", help="where ground-truth.json goes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--run", default="run", help="name kept in the truth")
    parser.add_argument("--scale", type=int, default=1, help="how often each situation is sent")
    parser.add_argument("--burst", type=int, default=20, help="messages sent by smtp-source at once")
    return parser.parse_args()


def utc(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat(timespec="seconds")


def open_slow_port(rig, opened_at):
    opened_at.append(time.time())
    subprocess.run([f"{HERE}/rig.sh", "open-slow", rig.directory], check=True)


def send_burst(rig, count):
    """Messages without X-GT-ID from Postfix's own smtp-source: counted as one class."""
    at, sender, recipient, subject = time.time(), f"burst@{rig.partner}", rig.own("helpdesk"), "Burst of the rig"
    command = ["smtp-source", "-4", "-m", str(count), "-s", "3", "-l", "4096", "-M", f"out2.{rig.partner}",
               "-f", sender, "-t", recipient, "-S", subject, f"{rig.edge}:25"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return {"tool": "smtp-source", "count": count, "envelope_from": sender, "rcpt": recipient, "subject": subject,
            "submitted_at": round(at, 3), "outcome": "delivered"}


def settle_held_mail(rig):
    """Releases or deletes the held mail that the scenarios say."""
    for message in rig.messages:
        option = {"in-held-released": "-H", "in-held-deleted": "-d"}.get(message["scenario"])
        if option:
            # In the host's own namespaces, so that its log tells of it.
            with open(f"{rig.directory}/edge1/queue/pid/master.pid", encoding="ascii") as file:
                inside = ["nsenter", "--target", file.read().strip(), "--uts", "--mount"]
            command = [*inside, "postsuper", "-c", f"{rig.directory}/edge1/etc", option, message["queue_id"]]
            subprocess.run(command, check=True, capture_output=True)


def wait_for_empty_queues(rig):
    """Until only held mail is left; expiry and retries take their time."""
    deadline = time.time() + QUEUES_EMPTY_WITHIN_S
    while time.time() < deadline:
        waiting = [entry for entries in truth.queues(rig).values() for entry in entries]
        if all(entry["queue_name"] == "hold" for entry in waiting):
            return
        time.sleep(2)


def drive(rig, options):
    """All traffic; returns the burst and when the slow server's port was opened."""
    started, opened_at = time.time(), []
    opener = threading.Timer(SLOW_PORT_OPENS_AFTER_S, open_slow_port, (rig, opened_at))
    opener.start()
    scenarios = Scenarios(rig)
    scenarios.begin()
    for number in range(options.scale):
        scenarios.round_of_mail(number)
    burst = send_burst(rig, options.burst)
    settle_held_mail(rig)
    opener.join()
    time.sleep(max(0, SLOW_PORT_OPENS_AFTER_S + 2 - (time.time() - started)))
    wait_for_empty_queues(rig)
    scenarios.end()
    time.sleep(LAST_MESSAGE_SETTLES_S)
    return burst, opened_at[0]


def versions():
    commands = {"postfix": ["postconf", "-dh", "mail_version"], "dovecot": ["dovecot", "--version"],
                "openssl": ["openssl", "version"], "python": ["python3", "--version"]}
    return {name: subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
            for name, command in commands.items()}


def main():
    options = arguments()
    os.makedirs(options.outdir, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="rigdrv") as scratch:
        rig, started = Rig(options.rigdir, options.seed, scratch), time.time()
        burst, slow_port_opened_at = drive(rig, options)
    waiting, deliveries = truth.queues(rig), truth.observe(rig)
    differences = truth.Comparison(deliveries, waiting).run(rig.messages)
    burst["observed_delivered"] = sum(
        1 for row in deliveries if row["subject"] == burst["subject"] and row["final"] == burst["rcpt"])
    if burst["observed_delivered"] != burst["count"]:
        differences.append(("burst", burst["observed_delivered"], "wanted", burst["count"]))
    truth.add_observed_hops(rig.messages, deliveries)
    generated = [row for row in deliveries if not row["gt_id"] and (row.get("dsn") or row.get("auto_submitted"))]
    record = {
        "run": options.run, "seed": options.seed, "rig_env": rig.env, "versions": versions(),
        "started_utc": utc(started), "ended_utc": utc(time.time()),
        "slow_port_opened_at": round(slow_port_opened_at, 3),
        "hosts": {"edge1": rig.edge, "hub1": rig.hub, "mbx1": rig.store},
        "all_expectations_verified": not differences, "messages": rig.messages, "burst": burst,
        "generated_messages_observed": generated, "deliveries_observed": deliveries,
        "filter_observed": truth.json_lines(f"{rig.directory}/out/filter.jsonl"),
        "outside_observed": truth.json_lines(f"{rig.directory}/out/sink.jsonl"), "queues_at_end": waiting,
    }
    with open(f"{options.outdir}/ground-truth.json", "w", encoding="utf-8") as file:
        json.dump(record, file, indent=1, sort_keys=True, ensure_ascii=False)
    print(f"messages submitted: {len(rig.messages)} + burst {options.burst}; deliveries observed: {len(deliveries)}; "
          f"generated: {len(generated)}; differences: {len(differences)}; {time.time() - started:.0f} s")
    for difference in differences:
        print("DIFF", difference)
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
