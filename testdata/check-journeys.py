#!/usr/bin/env python3
"""Compare exported journeys with the truth of a corpus.

usage: check-journeys.py CORPUS journeys.jsonl rejections.jsonl

CORPUS is a folder with ground-truth.json.gz, written by the program that sent the mail, not by any log reader.
journeys.jsonl: one object a line, with at least
  id, class, sender, message_id,
  hops:       [{server, queue_id}]                      first hop first
  recipients: [{recipient, orig_recipient, outcome}]    one per final recipient
     outcome: delivered | bounced | expired | discarded | filtered | deleted | held | deferred
              | forwarded (an address that aliases, lists or redirects replaced by others: no delivery of its own)
rejections.jsonl: one object per refused recipient (or command), with at least
  server, sender, recipient, code

Prints each difference, then 'N passed, M failed'; exits 1 when something failed.
"""
import collections
import gzip
import json
import os
import re
import sys

ACCEPTED = {  # the truth's word -> the words of an analyzer that count as right
    "delivered": {"delivered"},
    "bounced": {"bounced"},
    "expired": {"expired", "bounced"},
    "discarded": {"discarded", "filtered"},
    "filtered": {"filtered"},
    "deleted": {"deleted"},
    "held": {"held"},
    "deferred": {"deferred"},
    "sieve-rejected": {"bounced", "rejected", "discarded"},
}
NOT_QUEUED = {"rejected", "aborted"}


def load_truth(corpus):
    path = os.path.join(corpus, "ground-truth.json")
    if os.path.exists(path):
        return json.load(open(path))
    return json.load(gzip.open(path + ".gz", "rt"))


def load_lines(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def address(text):
    """Folds what the corpora's servers do to one mailbox: case, +detail, and the domain of the store to which Sendmail hands over."""
    return re.sub(r"\+[^@]*@", "@", (text or "").strip("<>").lower()).replace("@store.", "@")


class Report:
    def __init__(self):
        self.passed = collections.Counter()
        self.failed = collections.Counter()

    def check(self, kind, good, message):
        if good:
            self.passed[kind] += 1
        else:
            self.failed[kind] += 1
            print(f"{kind}: {message}")


def index_by_queue_id(journeys):
    index = collections.defaultdict(list)
    for journey in journeys:
        for position, hop in enumerate(journey["hops"]):
            index[hop["queue_id"]].append((position, journey))
    return index


def find(message, by_queue_id, by_message_id):
    """The journeys that hold the message's first hop, as (position of that hop, journey)."""
    wanted = message.get("message_id")
    if message.get("queue_id"):
        hits = by_queue_id.get(message["queue_id"], [])
        if wanted:
            same = [hit for hit in hits if (hit[1].get("message_id") or "").strip("<>") == wanted.strip("<>")]
            hits = same or hits
        return hits
    if wanted:
        return [(0, journey) for journey in by_message_id.get(wanted.strip("<>"), [])]
    return []


def expected_outcomes(message):
    return [
        (address(expect["final"]), ACCEPTED[expect["outcome"]], expect)
        for recipient in message.get("rcpts", [])
        for expect in recipient["expect"]
        if expect["outcome"] not in NOT_QUEUED
    ]


def check_message(report, message, hits):
    name = f'{message["gt_id"]} {message["scenario"]} {message.get("queue_id")}'
    wanted = expected_outcomes(message)
    if not wanted:
        return
    report.check("found", bool(hits), f"{name}: no journey has its first hop")
    if not hits:
        return
    report.check("whole", len({hit[1]["id"] for hit in hits}) == 1, f"{name}: split over {len(hits)} journeys")
    position, journey = min(hits, key=lambda hit: hit[0])
    report.check("first", position == 0, f"{name}: its first hop stands at place {position} of the journey")
    left = collections.defaultdict(list)
    for recipient in journey["recipients"]:
        if recipient["outcome"] != "forwarded":
            left[address(recipient["recipient"])].append(recipient["outcome"])
    for final, accepted, expect in wanted:
        seen = left[final].pop(0) if left[final] else None
        report.check("outcome", seen in accepted, f'{name}: {final} should be {expect["outcome"]}, is {seen}')
        path = [hop["id"] for hop in expect.get("observed_hops", []) if hop.get("id")]
        ids = [hop["queue_id"] for hop in journey["hops"]]
        missing = [queue_id for queue_id in path if queue_id not in ids]
        report.check("path", not missing, f"{name}: {final} went through {missing}, which the journey lacks")
    extra = {final: outcomes for final, outcomes in left.items() if outcomes}
    report.check("no-extra", not extra, f"{name}: recipients that never were: {extra}")


def check_rejections(report, messages, rejections):
    seen = collections.Counter(address(row.get("recipient")) for row in rejections)
    nameless = sum(1 for row in rejections if not row.get("recipient"))
    for message in messages:
        for recipient in message.get("rcpts", []):
            for expect in recipient["expect"]:
                if expect["outcome"] != "rejected" or expect.get("stage") not in ("rcpt", "data", "end-of-data"):
                    continue
                final = address(expect["final"])
                good = seen[final] > 0 or nameless > 0
                if seen[final] > 0:
                    seen[final] -= 1
                elif nameless > 0:
                    nameless -= 1
                report.check("rejection", good, f'{message["gt_id"]} {message["scenario"]}: refusal of {final} not found')


def main(corpus, journeys_path, rejections_path):
    truth, journeys = load_truth(corpus), load_lines(journeys_path)
    by_queue_id = index_by_queue_id(journeys)
    by_message_id = collections.defaultdict(list)
    for journey in journeys:
        by_message_id[(journey.get("message_id") or "").strip("<>")].append(journey)
    report = Report()
    for message in truth["messages"]:
        check_message(report, message, find(message, by_queue_id, by_message_id))
    check_rejections(report, truth["messages"], load_lines(rejections_path))
    ids = [journey["id"] for journey in journeys]
    report.check("unique", len(ids) == len(set(ids)), "journey ids repeat")
    burst = truth.get("burst")
    if burst:
        count = sum(1 for j in journeys if address(j.get("sender")) == address(burst["envelope_from"]))
        report.check("burst", count == burst["count"], f'burst of {burst["count"]} messages counted as {count}')
    for kind in sorted(set(report.passed) | set(report.failed)):
        print(f"  {kind:10} {report.passed[kind]:6} right {report.failed[kind]:6} wrong")
    print(f"{sum(report.passed.values())} passed, {sum(report.failed.values())} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
