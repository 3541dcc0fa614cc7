#!/usr/bin/env python3
"""Writes message tracking logs of servers that never were, and the truth of what their mail did.

usage: make.py [FOLDER]        (default: made, beside this file; the same bytes every time)

No Exchange server can be run here, so this plays two organisations: `dag`, two servers of Exchange 2019 with their mailbox transport
services, and `old`, a hub of Exchange 2010 before a server of Exchange 2013 that is updated on the way. README.md names the documents that the
rows' shapes come from. The truth is written while the mail is "sent", and never read from a row.
"""
import collections
import gzip
import io
import json
import os
import sys

from organisation import BASE, C2010, C2013, C2019, HOURS, IPS, Message, Transport, World, from_internet, from_mailbox, home, inside, ms, stamp

USERS = [f"{name}@example.com" for name in "ann bob carol dave eve frank grace heidi ivan judy".split()] + ["o'neil+list@example.com"]
OUTSIDE = [f"{name}@example.net" for name in "peggy trent victor wendy".split()] + ['"odd;name"@example.net']


def some(world, people, count):
    return world.random.sample(people, count)


def to_mailboxes(message, hop, recipients, at):
    """Each mailbox is on one of the servers; sometimes the other server's transport delivers."""
    for server in ("ex19a", "ex19b"):
        here = [recipient for recipient in recipients if home(recipient) == server]
        if not here:
            continue
        at += ms(message.world.random.randint(5, 400))
        if server != hop.server and message.world.random.random() < 0.5:
            next_hop = hop.hand_on(here, at, server)
            end = at + ms(120)
            delivery = next_hop.deliver(here, end)
            path = next_hop.path + [delivery]
        else:
            end = at
            path = hop.path + [hop.deliver(here, end, on=server)]
        for recipient in here:
            message.expected(recipient, recipient, "delivered", path, end)
    return at


def inbound(world):
    recipients = some(world, USERS, world.random.choice([1, 1, 1, 2, 5]))
    message = Message(world, "inbound", world.random.choice(OUTSIDE[:4]), recipients, world.time())
    hop = from_internet(message, world.random.choice(["ex19a", "ex19b"]), recipients)
    to_mailboxes(message, hop, recipients, message.at + ms(1500))
    message.told()


def same_message_id_twice(world):
    """A list sends each member a copy of its own: two messages, whatever the header says."""
    at, message_id = world.time(), f"<{world.guid()}@lists.example.net>"
    for number, recipient in enumerate(some(world, USERS, 2)):
        message = Message(world, "same message id", "list-bounces@example.net", [recipient], at + ms(40 * number), message_id=message_id)
        hop = from_internet(message, "ex19a", [recipient])
        to_mailboxes(message, hop, [recipient], message.at + ms(800))
        message.told()


def internal(world):
    people = some(world, USERS, world.random.choice([2, 3, 4]))
    message = Message(world, "internal", people[0], people[1:], world.time())
    hop = from_mailbox(message, people[1:])
    to_mailboxes(message, hop, people[1:], message.at + ms(400))
    message.told()


def outbound(world):
    recipients = some(world, OUTSIDE, world.random.choice([1, 2]))
    message = Message(world, "outbound", world.random.choice(USERS), recipients, world.time())
    hop = from_mailbox(message, recipients)
    end = message.at + ms(world.random.randint(400, 9000))
    hop.send_out(recipients, end)
    for recipient in recipients:
        message.expected(recipient, recipient, "delivered", hop.path, end)
    message.told()


def forked(world):
    """Inside and outside need different content: the recipients outside move to a message of their own."""
    sender, within = some(world, USERS, 2)
    outside = some(world, OUTSIDE[:4], 2)
    message = Message(world, "forked", sender, [within, *outside], world.time())
    hop = from_mailbox(message, [within, *outside])
    fork = hop.fork(outside, hop.at + ms(60))
    to_mailboxes(message, hop, [within], message.at + ms(500))
    end = message.at + ms(2100)
    fork.send_out(outside, end)
    for recipient in outside:
        message.expected(recipient, recipient, "delivered", fork.path, end)
    message.told()


def all_forked(world):
    """Nobody is left at the first of them."""
    recipients = some(world, OUTSIDE[:4], 3)
    message = Message(world, "all forked", world.random.choice(USERS), recipients, world.time())
    hop = from_mailbox(message, recipients)
    for number, recipient in enumerate(recipients):
        fork = hop.fork([recipient], hop.at + ms(50 + number))
        end = message.at + ms(700 + 100 * number)
        fork.send_out([recipient], end)
        message.expected(recipient, recipient, "delivered", fork.path, end)
    message.told()


def expanded(world):
    """A list within a list, with members of both; and one member was written beside the list."""
    members = some(world, USERS, 7)
    sender, both, alone = members[0], members[1], members[2:]
    message = Message(world, "expanded", sender, ["All@example.com", both], world.time())
    hop = from_mailbox(message, ["All@example.com", both])
    at = hop.at + ms(40)
    hop.replace("EXPAND", ["team@example.com", alone[0], alone[1]], "all@example.com", at)
    hop.replace("EXPAND", alone[2:], "team@example.com", at + ms(1))
    hop.replace("DUPLICATEEXPAND", [alone[0]], "team@example.com", at + ms(2))
    to_mailboxes(message, hop, [both, *alone], message.at + ms(900))
    message.told()


def large_list(world):
    members = [f"member{number:03d}@example.com" for number in range(180)]
    message = Message(world, "large list", "ann@example.com", ["everybody@example.com"], world.time())
    hop = from_mailbox(message, ["everybody@example.com"])
    hop.replace("EXPAND", members, "everybody@example.com", hop.at + ms(90))
    to_mailboxes(message, hop, members, message.at + ms(1200))
    message.told()


def resolved(world):
    recipient = world.random.choice(USERS[:5])
    alias = recipient.replace("@example.com", "@old.example.com")
    message = Message(world, "resolved", OUTSIDE[0], [alias], world.time())
    hop = from_internet(message, "ex19b", [alias.upper()])
    hop.replace("RESOLVE", [recipient], alias, message.at + ms(30))
    to_mailboxes(message, hop, [recipient], message.at + ms(600))
    message.told()


def redirected(world):
    before, after = some(world, USERS[:10], 2)
    keeps = world.random.random() < 0.5
    message = Message(world, "redirected, and kept" if keeps else "redirected", OUTSIDE[1], [before], world.time())
    hop = from_internet(message, "ex19a", [before])
    hop.replace("REDIRECT", [after], before, message.at + ms(30))
    to_mailboxes(message, hop, [before, after] if keeps else [after], message.at + ms(600))
    message.told()


def unknown_user(world):
    known, unknown = world.random.choice(USERS), f"nobody{world.random.randint(1, 999)}@example.com"
    sender = world.random.choice([OUTSIDE[2], *some(world, [user for user in USERS if user != known], 2)])
    message = Message(world, "unknown user", sender, [known, unknown], world.time())
    hop = from_mailbox(message, [known, unknown]) if inside(sender) else from_internet(message, "ex19a", [known, unknown])
    end = hop.at + ms(80)
    report = hop.notice(end + ms(20))
    hop.fail([unknown], ["550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"], end, notice=report)
    message.expected(unknown, unknown, "bounced", hop.path, end)
    to_mailboxes(message, hop, [known], message.at + ms(700))
    message.told()


def different_failures(world):
    recipients = ["gone@example.net", "late@example.net", "full@example.net"]
    message = Message(world, "different failures", "bob@example.com", recipients, world.time())
    hop = from_mailbox(message, recipients)
    end = hop.at + ms(5000)
    report = hop.notice(end + ms(30))
    statuses = [
        "550 5.1.1 <gone@example.net>: no such user; sorry",
        "550 4.4.7 QUEUE.Expired; message expired",
        "552 5.2.2 mailbox full; 100 % used, try \"later\"",
    ]
    hop.fail(recipients, statuses, end, source="SMTP", notice=report)
    for recipient, outcome in zip(recipients, ["bounced", "expired", "bounced"]):
        message.expected(recipient, recipient, outcome, hop.path, end)
    message.told()


def late(world):
    """Put off for hours, and then sent; or given up after two days."""
    is_sent = world.random.random() < 0.6
    message = Message(world, "late" if is_sent else "expired", world.random.choice(USERS), ["slow@example.net"], BASE + ms(world.random.randint(0, 3_600_000)))
    hop = from_mailbox(message, ["slow@example.net"])
    for number in range(4):
        hop.defer(["slow@example.net"], hop.at + ms(900_000 * (number + 1) ** 2))
    if is_sent:
        end = hop.at + ms(20_000_000)
        hop.send_out(["slow@example.net"], end, tls=False)
    else:
        end = hop.at + ms(172_000_000)
        report = hop.notice(end + ms(10))
        hop.fail(["slow@example.net"], ["550 4.4.7 QUEUE.Expired; message expired in queue"], end, source="QUEUE", notice=report)
    message.expected("slow@example.net", "slow@example.net", "delivered" if is_sent else "expired", hop.path, end)
    message.told()


def waiting(world):
    """Nothing more is heard of one of two."""
    recipient = world.random.choice(USERS)
    message = Message(world, "waiting", "carol@example.com", ["stuck@example.net", recipient], world.time())
    hop = from_mailbox(message, ["stuck@example.net", recipient])
    if world.random.random() < 0.5:
        hop.defer(["stuck@example.net"], hop.at + ms(60_000))
    message.expected("stuck@example.net", "stuck@example.net", "deferred", hop.path)
    to_mailboxes(message, hop, [recipient], message.at + ms(900))
    message.told()


def dropped(world):
    message = Message(world, "dropped", OUTSIDE[3], ["dave@example.com"], world.time())
    hop = from_internet(message, "ex19b", ["dave@example.com"])
    end = hop.at + ms(70)
    if world.random.random() < 0.5:
        hop.row(end, source="AGENT", event_id="DROP", recipient_address=["dave@example.com"], source_context="Content Filter Agent, SCL 9")
    else:
        hop.fail(["dave@example.com"], ["250 2.1.5 RESOLVER.MSGTYPE.OOF; handled out-of-office message addressed to recipient"], end)
    message.expected("dave@example.com", "dave@example.com", "discarded", hop.path)
    message.told()


def deleted(world):
    message = Message(world, "deleted", "eve@example.com", ["secret@example.net"], world.time())
    hop = from_mailbox(message, ["secret@example.net"])
    hop.defer(["secret@example.net"], hop.at + ms(30_000))
    end = hop.at + ms(90_000)
    hop.fail(["secret@example.net"], ["[{LRT=};{LED=550 5.0.0 QUEUE.Admin; deleted by administrative action};{FQDN=};{IP=}]"], end, source="ADMIN")
    message.expected("secret@example.net", "secret@example.net", "deleted", hop.path, end)
    message.told()


def moderated(world):
    message = Message(world, "moderated", "frank@example.com", ["announce@example.com"], world.time())
    hop = from_mailbox(message, ["announce@example.com"])
    hop.row(hop.at + ms(60), source="APPROVAL", event_id="INITMESSAGECREATED", recipient_address=["announce@example.com"])
    message.expected("announce@example.com", "announce@example.com", "held", hop.path)
    message.told()


def resubmitted(world):
    """After a failover, Safety Net sends a message again that was delivered before."""
    message = Message(world, "resubmitted", OUTSIDE[0], ["grace@example.com"], world.time())
    hop = from_internet(message, "ex19a", ["grace@example.com"])
    to_mailboxes(message, hop, ["grace@example.com"], message.at + ms(500))
    again = Transport(message, "ex19b", message.at + ms(7_200_000))
    again.row(again.at, source="SAFETYNET", event_id="RESUBMIT", recipient_address=["grace@example.com"], server_hostname="ex19b")
    again.deliver(["grace@example.com"], again.at + ms(200), on="ex19b", duplicate=True)
    world.copies += 1
    message.told()


def null_sender(world):
    message = Message(world, "inbound notice", "", ["heidi@example.com"], world.time(), subject="Mail delivery failed, returning", header_sender="MAILER-DAEMON@mail.example.net")
    hop = from_internet(message, "ex19b", ["heidi@example.com"])
    to_mailboxes(message, hop, ["heidi@example.com"], message.at + ms(300))
    message.told()


def inbox_rule(world):
    """A rule sends a message on: the new one names the old one's message id."""
    first = Message(world, "before an inbox rule", OUTSIDE[1], ["ivan@example.com"], world.time())
    hop = from_internet(first, "ex19a", ["ivan@example.com"])
    end = to_mailboxes(first, hop, ["ivan@example.com"], first.at + ms(400))
    first.told()
    second = Message(world, "inbox rule", "ivan@example.com", ["wendy@example.net"], end + ms(900), subject="FW: " + first.subject)
    hop = Transport(second, "ex19b", second.at)
    hop.row(
        hop.at, source="MAILBOXRULE", event_id="RECEIVE", server_hostname="ex19b", recipient_address=["wendy@example.net"], reference=first.message_id,
    )  # fmt: skip
    hop.row(hop.at + ms(5), source="QUEUE", event_id="THROTTLE", recipient_address=["wendy@example.net"], reference="Recipient thread limit; exceeded, wait")
    end = hop.at + ms(650)
    hop.send_out(["wendy@example.net"], end)
    second.expected("wendy@example.net", "wendy@example.net", "delivered", hop.path, end)
    second.told()


def in_folder(world):
    message = Message(world, "in a folder", OUTSIDE[2], ["judy@example.com"], world.time())
    hop = from_internet(message, home("judy@example.com"), ["judy@example.com"])
    end = message.at + ms(350)
    delivery = hop.deliver(["judy@example.com"], end, on=hop.server, folder="'Inbox\\Offers; \"hot\", new'")
    message.expected("judy@example.com", "judy@example.com", "delivered", hop.path + [delivery], end)
    message.told()


def probe(world, at):
    server = world.random.choice(["ex19a", "ex19b"])
    mailbox = f"HealthMailbox{world.random.getrandbits(128):032x}@example.com"
    sender = world.random.choice(["inboundproxy@inboundproxy.com", mailbox, "maildeliveryprobe@maildeliveryprobe.com"])
    message = Message(world, "probe", sender, [mailbox], at, subject="Inbound proxy probe")
    hop = from_internet(message, server, [mailbox])
    hop.deliver([mailbox], at + ms(180))
    world.probes += 1


DAG = [
    (inbound, 40), (internal, 25), (outbound, 20), (forked, 8), (all_forked, 3), (expanded, 6), (large_list, 1), (resolved, 5), (redirected, 6),
    (unknown_user, 8), (different_failures, 2), (late, 5), (waiting, 4), (dropped, 4), (deleted, 2), (moderated, 2), (resubmitted, 2),
    (null_sender, 3), (inbox_rule, 3), (in_folder, 2), (same_message_id_twice, 3),
]  # fmt: skip


def dag():
    world = World("dag", 20260328)
    for scenario, times in DAG:
        for _ in range(times):
            scenario(world)
    for minute in range(0, HOURS * 60, 4):
        probe(world, BASE + ms(minute * 60_000 + world.random.randint(0, 59_999)))
    return world


# --- Exchange 2010 before Exchange 2013 -----------------------------------------------------------------------------------------


class Hub(Transport):
    """Exchange 2010: one service, no network message id; the store driver is part of it."""

    def submitted(self, recipients):
        message = self.message
        # The mailbox server logs this in a file of its own, without an id.
        message.row(
            "hub10", "MSGTRKM", self.at - ms(9), source="STOREDRIVER", event_id="SUBMIT", client_hostname="HUB10", server_hostname="HUB10",
            source_context="MDB:1, Mailbox:2, Event:3, MessageClass:IPM.Note, ClientType:User",
        )  # fmt: skip
        self.row(
            self.at, source="STOREDRIVER", event_id="RECEIVE", client_ip="192.0.2.77", client_hostname="mbx10", server_ip=IPS["hub10"],
            server_hostname="HUB10", recipient_address=recipients, message_info="04I: ",
        )  # fmt: skip

    def received(self, recipients):
        self.row(
            self.at, source="SMTP", event_id="RECEIVE", client_ip="198.51.100.77", client_hostname="out.example.net", server_ip=IPS["hub10"],
            server_hostname="HUB10", source_context="08CE1DB12C345BE5", connector_id="HUB10\\Internet", recipient_address=recipients, message_info="00A: ",
        )  # fmt: skip

    def store(self, recipients, at):
        self.row(
            at, source="STOREDRIVER", event_id="DELIVER", client_hostname="HUB10", server_hostname="MBX10", recipient_address=recipients,
            message_info=stamp(self.message.origin),
        )  # fmt: skip


def old_inbound(world):
    recipients = some(world, USERS, world.random.choice([1, 2, 3]))
    message = Message(world, "2010 inbound", OUTSIDE[0], recipients, world.time())
    hop = Hub(message, "hub10", message.at)
    hop.received(recipients)
    end = message.at + ms(700)
    hop.store(recipients, end)
    for recipient in recipients:
        message.expected(recipient, recipient, "delivered", hop.path, end)
    message.told()


def old_outbound(world):
    message = Message(world, "2010 outbound", "ann@example.com", ["victor@example.net"], world.time())
    hop = Hub(message, "hub10", message.at)
    hop.submitted(["victor@example.net"])
    end = message.at + ms(1900)
    hop.send_out(["victor@example.net"], end)
    message.expected("victor@example.net", "victor@example.net", "delivered", hop.path, end)
    message.told()


def old_failed(world):
    message = Message(world, "2010 failed", "bob@example.com", ["nobody@example.com", "carol@example.com"], world.time())
    hop = Hub(message, "hub10", message.at)
    hop.submitted(["nobody@example.com", "carol@example.com"])
    end = message.at + ms(90)
    hop.row(end, source="ROUTING", event_id="FAIL", recipient_address=["nobody@example.com"], recipient_status="550 5.1.1 RESOLVER.ADR.RecipNotFound; not found")
    hop.store(["carol@example.com"], end + ms(200))
    message.expected("nobody@example.com", "nobody@example.com", "bounced", hop.path, end)
    message.expected("carol@example.com", "carol@example.com", "delivered", hop.path, end + ms(200))
    message.told()


def old_expanded(world):
    members = some(world, USERS, 4)
    message = Message(world, "2010 expanded", OUTSIDE[2], ["Team@example.com"], world.time())
    hop = Hub(message, "hub10", message.at)
    hop.received(["Team@example.com"])
    hop.replace("EXPAND", members, "Team@example.com", message.at + ms(30))
    fork = Hub(message, "hub10", message.at + ms(50), hop)
    fork.row(fork.at, source="ROUTING", event_id="TRANSFER", recipient_address=members[2:], reference=hop.id)
    for here, place, end in [(members[:2], hop, message.at + ms(400)), (members[2:], fork, message.at + ms(600))]:
        place.store(here, end)
        for member in here:
            message.expected("Team@example.com", member, "delivered", place.path, end)
    message.told()


def coexistence(world):
    """From the hub to the newer server, whose rows have a network message id that the hub's lack."""
    recipients = some(world, USERS, 2)
    message = Message(world, "coexistence", OUTSIDE[3], recipients, world.time())
    hop = Hub(message, "hub10", message.at)
    hop.received(recipients)
    after = hop.hand_on(recipients, message.at + ms(450), "ex13")
    end = message.at + ms(950)
    delivery = after.deliver(recipients, end)
    for recipient in recipients:
        message.expected(recipient, recipient, "delivered", after.path + [delivery], end)
    message.told()


OLD = [(old_inbound, 12), (old_outbound, 8), (old_failed, 3), (old_expanded, 4), (coexistence, 14)]


def old():
    world = World("old", 20260329)
    for scenario, times in OLD:
        for _ in range(times):
            scenario(world)
    return world


# --- Files ------------------------------------------------------------------------------------------------------------------------

VERSIONS = {"ex19a": C2019, "ex19b": C2019, "hub10": C2010}
UPDATED = BASE + ms(5 * 3_600_000 + 1_800_000)  # ex13 writes three columns more from here on.
FILE_ROWS_MAX = 60


def columns_of(server, at):
    return VERSIONS.get(server) or (C2019 if at >= UPDATED else C2013)


def field(text):
    text = text.replace("\t", " ") if "\n" in text else text
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text


def header(server, at, columns):
    version = {26: "14.03.0123.002", 27: "15.00.1104.000", 30: "15.02.1748.010"}[len(columns)]
    return [
        "#Software: Microsoft Exchange Server", f"#Version: {version}", "#Log-type: Message Tracking Log", f"#Date: {stamp(at)}",
        "#Fields: " + ",".join(columns),
    ]  # fmt: skip


def write(world, folder):
    logs = collections.defaultdict(list)
    for server, service, at, sequence, values in sorted(world.rows, key=lambda row: row[2:4]):
        name = at.strftime("%Y%m%d" if server == "hub10" else "%Y%m%d%H")
        if server == "ex13":
            name = at.strftime("%Y%m%d") + f"{at.hour // 8 * 8:02d}"  # a quiet server writes on in one file
        logs[server, service, name].append((at, values))
    for (server, service, name), rows in sorted(logs.items()):
        for number in range(0, len(rows), FILE_ROWS_MAX):
            part = rows[number : number + FILE_ROWS_MAX]
            columns = columns_of(server, part[0][0])
            lines = header(server, part[0][0], columns)
            for at, values in part:
                if columns_of(server, at) != columns:
                    columns = columns_of(server, at)
                    lines += header(server, at, columns)
                lines.append(",".join(field(values.get(column, "")) for column in columns))
            text = "\r\n".join(lines) + "\r\n"
            mark = b"\xef\xbb\xbf" if number % (2 * FILE_ROWS_MAX) == 0 else b""
            pack(os.path.join(folder, server, f"{service}{name}-{number // FILE_ROWS_MAX + 1}.LOG.gz"), mark + text.encode())
    truth = {"messages": world.truth, "probes": world.probes, "copies": world.copies}
    pack(os.path.join(folder, "ground-truth.json.gz"), json.dumps(truth, indent=1, ensure_ascii=False).encode())


def pack(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    packed = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, packed, 0) as file:
        file.write(content)
    with open(path, "wb") as file:
        file.write(packed.getvalue())


def main(folder):
    for world in (dag(), old()):
        write(world, os.path.join(folder, world.name))
        print(f"{world.name}: {len(world.truth)} messages, {world.probes} probes, {len(world.rows)} rows")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "made"))
