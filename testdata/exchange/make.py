#!/usr/bin/env python3
"""Writes message tracking logs of servers that never were, and the truth of what their mail did.

usage: make.py [FOLDER]        (default: made, beside this file; the same bytes every time)

No Exchange server can be run here, so this plays two organisations: `dag`, two servers of Exchange 2019 with their mailbox transport
services, and `old`, a hub of Exchange 2010 before a server of Exchange 2013 that is updated on the way. README.md names the documents that the
rows' shapes come from. The truth is written while the mail is "sent", and never read from a row.
"""
import collections
import datetime
import gzip
import io
import json
import os
import random
import sys

UTC = datetime.timezone.utc
BASE = datetime.datetime(2026, 3, 28, 21, 0, tzinfo=UTC)  # Europe's clocks change in the night that follows.
HOURS = 9

C2010 = (
    "date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,connector-id,source,event-id,internal-message-id,"
    "message-id,recipient-address,recipient-status,total-bytes,recipient-count,related-recipient-address,reference,message-subject,"
    "sender-address,return-path,message-info,directionality,tenant-id,original-client-ip,original-server-ip,custom-data"
).split(",")
C2013 = C2010[:11] + ["network-message-id"] + C2010[11:]
C2019 = C2013 + ["transport-traffic-type", "log-id", "schema-version"]
assert (len(C2010), len(C2013), len(C2019)) == (26, 27, 30)

SUBJECTS = [
    "Quarterly figures",
    'Re: "Final" offer, version 3; please sign',
    "Réunion du comité, salle « Été »",
    "会議の議事録; 第1回, \"草案\"",
    "Angebot Nr. 4711, Größe 10;20;30",
    "=?utf-8?Q?not_decoded,_on_purpose?=",
    "tab\tin a subject",
    "",
    " leading space, and 100 % = all",
    "\U0001F4E7 mail, \U0001F4E6 parcel",
    'He said ""twice""',
    "S:E2ELatency=99.999;event-id=DELIVER",
    "#Fields: date-time,source",
    "2026-03-29T01:30:00.000Z,a,b,c",
]


class World:
    def __init__(self, name, seed):
        self.name = name
        self.random = random.Random(seed)
        self.rows = []
        self.truth = []
        self.probes = 0
        self.copies = 0
        self.sequence = 0
        self.counters = collections.Counter()
        self.ids = {}

    def guid(self):
        digits = f"{self.random.getrandbits(128):032x}"
        return "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]])

    def time(self):
        """Some moment; more of them in the night of the change."""
        hours = self.random.uniform(0, HOURS)
        return BASE + datetime.timedelta(milliseconds=int(hours * 3_600_000))

    def transport_id(self, server):
        """Large, and never used again."""
        start = {"ex19a": 29519319995411, "ex19b": 70912345566403, "hub10": 8774618205, "ex13": 64712272257893}[server]
        self.counters[server] += self.random.randint(1, 4)
        return str(start + self.counters[server])

    def service_id(self, server, service, at):
        """Small, and from 1 again each day: the two mailbox services of a server have the same ids for different messages."""
        key = (server, service, at.date())
        self.counters[key] += 1
        return str(self.counters[key])

    def row(self, server, service, at, **columns):
        self.sequence += 1
        values = {name.replace("_", "-"): str(value) for name, value in columns.items() if value is not None}
        values["date-time"] = stamp(at)
        self.rows.append((server, service, at, self.sequence, values))


def stamp(at):
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def ms(number):
    return datetime.timedelta(milliseconds=number)


def seconds(delta):
    return f"{delta // ms(1) / 1000:.3f}"


class Message:
    """One message, with what all its rows say."""

    def __init__(self, world, scenario, sender, recipients, at, subject=None, message_id=None, header_sender=None):
        self.world, self.scenario, self.sender, self.at = world, scenario, sender, at
        self.header_sender = header_sender if header_sender is not None else sender
        self.recipients = recipients
        self.subject = world.random.choice(SUBJECTS) if subject is None else subject
        self.size = world.random.randint(900, 4_000_000)
        self.network_id = world.guid()
        self.message_id = message_id or f"<{world.guid()}@{'mail.example.net' if not inside(sender) else 'ex19a.example.com'}>"
        self.origin = at
        self.originating = inside(sender)
        self.first = None
        self.expect = collections.defaultdict(list)

    def row(self, server, service, at, **columns):
        said = dict(
            message_id=self.message_id,
            network_message_id=self.network_id,
            total_bytes=self.size,
            message_subject=self.subject,
            sender_address=self.header_sender,
            return_path=self.sender or "<>",
            directionality="Originating" if self.originating else "Incoming",
            transport_traffic_type="Email",
            log_id=self.world.guid(),
            schema_version="15.02.1748.010",
        )
        said.update(columns)
        if "recipient_address" in said and isinstance(said["recipient_address"], list):
            said["recipient_count"] = said.get("recipient_count", len(said["recipient_address"]))
            said["recipient_address"] = ";".join(said["recipient_address"])
        self.world.row(server, service, at, **said)

    def info(self, server, at):
        under_way = seconds(at - self.origin)
        return {
            "message_info": f"{stamp(self.origin)};LSRV={server}.example.com:TOTAL-HUB={under_way}|SMR=0.127(SMRDE=0.002|SMRC=0.125)|CAT=0.046",
            "custom_data": f"S:E2ELatency={under_way};S:MsgRecipCount={len(self.recipients)};S:IncludeInSla=True;S:DeliveryPriority=Normal;S:AccountForest=example.com",
        }

    def expected(self, written, final, outcome, hops, at=None):
        expect = {"final": final, "outcome": outcome, "observed_hops": [{"id": hop} for hop in hops if hop]}
        if at is not None:
            expect["took_ms"] = (at - self.origin) // ms(1)
        elif outcome in ("deferred", "held"):
            expect["took_ms"] = None
        self.expect[written].append(expect)

    def told(self):
        world = self.world
        world.truth.append(
            {
                "gt_id": f"{world.name.upper()}-{len(world.truth):04d}",
                "scenario": self.scenario,
                "queue_id": self.first,
                "message_id": self.message_id,
                "envelope_from": self.sender,
                "rcpts": [{"rcpt": written, "expect": expect} for written, expect in self.expect.items()],
            }
        )
        return world.truth[-1]


def inside(address):
    return address.endswith("@example.com")


# --- Exchange 2019: transport, submission and delivery on each server ---------------------------------------------------------------

IPS = {"ex19a": "192.0.2.21", "ex19b": "192.0.2.22", "hub10": "192.0.2.31", "ex13": "192.0.2.32"}
PEER = {"ex19a": "ex19b", "ex19b": "ex19a"}


def home(address):
    return "ex19a" if sum(address.encode()) % 2 else "ex19b"


class Transport:
    """A message within the transport service of one server."""

    def __init__(self, message, server, at, came_from=None):
        self.message, self.server, self.at = message, server, at
        self.id = message.world.transport_id(server)
        self.path = (came_from.path if came_from else []) + [self.id]
        message.first = message.first or self.id

    def row(self, at, **columns):
        self.message.row(self.server, "MSGTRK", at, internal_message_id=self.id, **columns)

    def receive(self, recipients, **columns):
        server = self.server
        self.row(
            self.at,
            source="SMTP",
            event_id="RECEIVE",
            client_ip=IPS[server],
            client_hostname=f"{server}.example.com",
            server_ip=IPS[server],
            server_hostname=server,
            source_context=f"08DC1DB12C345BE5;{stamp(self.at - ms(40))};0",
            connector_id=f"{server.upper()}\\Default {server.upper()}",
            message_info="0cA: ",
            recipient_address=recipients,
            **columns,
        )
        self.shadow(recipients)

    def shadow(self, recipients):
        """Shadow redundancy: a copy at the other server, which tells of it with ids of its own."""
        if self.server not in PEER:
            return
        peer = PEER[self.server]
        copy = self.message.world.transport_id(peer)
        self.row(
            self.at - ms(1),
            source="SMTP",
            event_id="HAREDIRECT",
            server_hostname=self.server,
            source_context=f"{peer}.example.com=250 2.6.0 {self.message.message_id} [InternalId={copy}, Hostname={peer}.example.com] Queued mail for redundancy",
            recipient_address=recipients,
        )
        said = dict(internal_message_id=copy, server_hostname=peer, recipient_address=recipients)
        self.message.row(peer, "MSGTRK", self.at - ms(2), source="SMTP", event_id="HARECEIVE", client_hostname=f"{self.server}.example.com", **said)
        self.message.row(peer, "MSGTRK", self.at + ms(45_000), source="SMTP", event_id="HADISCARD", **said)

    def agents(self, recipients):
        self.row(
            self.at + ms(12),
            source="AGENT",
            event_id="AGENTINFO",
            client_hostname=self.server,
            recipient_address=recipients,
            custom_data="S:AMA=SUM|action=p|error=|atch=0;S:TRA=ETR|ruleId=1,2|\"quoted\";S:CompCost=|ETR=0",
        )

    def deliver(self, recipients, at, on=None, folder=None, duplicate=False):
        """To the mailbox delivery service, there or on another server of the DAG."""
        message, on = self.message, on or self.server
        delivery = message.world.service_id(on, "MD", at)
        message.row(
            on,
            "MSGTRKMD",
            at,
            source="STOREDRIVER",
            event_id="DUPLICATEDELIVER" if duplicate else "DELIVER",
            internal_message_id=delivery,
            client_hostname=f"{on}.example.com",
            client_ip="fe80::1234:5678:9abc%3",
            source_context=f"08DC1DB1;{stamp(at)};ClientSubmitTime:",
            recipient_address=recipients,
            recipient_status=folder,
            **message.info(on, at),
        )
        sent_at = at + ms(3)
        self.row(
            sent_at,
            source="SMTP",
            event_id="SEND",
            client_ip=IPS[self.server],
            client_hostname=self.server,
            server_ip=IPS[on],
            server_hostname=f"{on}.example.com",
            source_context=f";250 2.0.0 OK {message.message_id} [Hostname={on}.example.com];ClientSubmitTime:",
            connector_id="Intra-Organization SMTP Send Connector",
            recipient_address=recipients,
            recipient_status=";".join(["250 2.1.5 Recipient OK"] * len(recipients)),
            **message.info(self.server, sent_at),
        )
        return delivery + "/delivery"

    def hand_on(self, recipients, at, to):
        """To the transport service of another server."""
        message = self.message
        next_hop = Transport(message, to, at - ms(2), self)
        next_hop.row(
            next_hop.at,
            source="SMTP",
            event_id="RECEIVE",
            client_ip=IPS[self.server],
            client_hostname=f"{self.server}.example.com",
            server_ip=IPS[to],
            server_hostname=to,
            connector_id=f"{to.upper()}\\Default {to.upper()}",
            recipient_address=recipients,
            custom_data=f"S:FirstForestHop={self.server}.example.com",
        )
        next_hop.shadow(recipients)
        self.row(
            at,
            source="SMTP",
            event_id="SEND",
            client_ip=IPS[self.server],
            client_hostname=self.server,
            server_ip=IPS[to],
            server_hostname=f"{to}.example.com",
            source_context=f";250 2.6.0 {message.message_id} [InternalId={next_hop.id}, Hostname={to}.example.com] 141301 bytes in 0.101, 1361.827 KB/sec Queued mail for delivery;ClientSubmitTime:",
            connector_id="Intra-Organization SMTP Send Connector",
            recipient_address=recipients,
            recipient_status=";".join(["250 2.1.5 Recipient OK"] * len(recipients)),
            **message.info(self.server, at),
        )
        return next_hop

    def send_out(self, recipients, at, tls=True):
        info = self.message.info(self.server, at)
        if tls:
            info["custom_data"] += ";S:Microsoft.Exchange.Transport.MailRecipient.EffectiveTlsAuthLevel=EncryptionOnly"
        self.row(
            at,
            source="SMTP",
            event_id="SENDEXTERNAL" if self.server != "hub10" else "SEND",
            client_ip=IPS[self.server],
            client_hostname=self.server.upper(),
            server_ip="198.51.100.9",
            server_hostname="mx.example.net",
            source_context=";250 2.0.0 Ok: queued as 4fPqXk0d5Zz1Y5Q7, thanks;ClientSubmitTime:",
            connector_id="To the Internet",
            recipient_address=recipients,
            recipient_status=";".join(["250 2.1.5 Recipient OK"] * len(recipients)),
            **info,
        )

    def replace(self, event, new, old, at, source="ROUTING"):
        self.row(at, source=source, event_id=event, recipient_address=new, related_recipient_address=old)

    def fork(self, recipients, at):
        fork = Transport(self.message, self.server, at, self)
        fork.row(at, source="ROUTING", event_id="TRANSFER", source_context="CatContentConversion", recipient_address=recipients, reference=self.id)
        return fork

    def fail(self, recipients, statuses, at, source="ROUTING", notice=None):
        self.row(
            at,
            source=source,
            event_id="FAIL",
            recipient_address=recipients,
            recipient_status=";".join(statuses),
            reference=notice.message_id if notice else None,
            **self.message.info(self.server, at),
        )

    def defer(self, recipients, at, status="[{LED=451 4.7.0 Greylisted; try again, later};{MSG=};{FQDN=mx.example.net};{IP=198.51.100.9};{LRT=3/29/2026 1:15:00 AM}]"):
        self.row(at, source="SMTP", event_id="DEFER", recipient_address=recipients, recipient_status=status, source_context="4.4.0")

    def notice(self, at):
        """The non-delivery report: a message of its own, which this service writes and delivers or sends."""
        message = self.message
        sender = "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.com"
        report = Message(message.world, message.scenario + " notice", "", [message.sender], at, subject="Undeliverable: " + message.subject, header_sender=sender)
        hop = Transport(report, self.server, at)
        hop.row(at, source="DSN", event_id="DSN", recipient_address=[message.sender], reference=message.message_id)
        if inside(message.sender):
            end = at + ms(310)
            delivery = hop.deliver([message.sender], end, on=home(message.sender))
            report.expected(message.sender, message.sender, "delivered", hop.path + [delivery], end)
        else:
            end = at + ms(900)
            hop.send_out([message.sender], end)
            report.expected(message.sender, message.sender, "delivered", hop.path, end)
        report.told()["notice_of"] = message.first
        return report


def from_internet(message, server, recipients, client="198.51.100.77"):
    """Through the front end of the same server."""
    message.origin = message.at - ms(74)
    hop = Transport(message, server, message.at)
    hop.receive(
        recipients,
        original_client_ip=client,
        original_server_ip=IPS[server],
        custom_data=f"S:ProxyHop1={server}.example.com({IPS[server]});S:FirstForestHop={server}.example.com;S:FromEntity=Internet;S:ProxiedClientIPAddress={client};S:ProxiedClientHostname=out.example.net;S:DeliveryPriority=Normal",
    )
    hop.agents(recipients)
    return hop


def from_mailbox(message, recipients):
    """The user presses send: the mailbox submission service takes the message out of the outbox and gives it to transport."""
    world, server = message.world, home(message.sender)
    submission = world.service_id(server, "MS", message.at)
    message.first = submission + "/submission"
    context = f"MDB:{world.guid()}, Mailbox:{world.guid()}, Event:63779422, MessageClass:IPM.Note, CreationTime:{stamp(message.at)}, ClientType:MOMT, SubmissionAssistant:MailboxTransportSubmissionEmailAssistant"
    said = dict(client_ip="fe80::1234:5678:4321:1010%3", source="STOREDRIVER", source_context=context)
    world.row(
        server, "MSGTRKMS", message.at + ms(13), event_id="NOTIFYMAPI", client_hostname=server.upper(), sender_address=message.sender,
        message_info=f"{stamp(message.at)};LSRV={server}.example.com:TOTAL-SUB=0.013|SA=0.013", log_id=world.guid(), schema_version="15.02.1748.010", **said,
    )  # fmt: skip
    kinds = ";".join(world.random.choice(["To", "Cc", "Bcc"]) for _ in recipients)
    message.row(
        server, "MSGTRKMS", message.at + ms(120), event_id="RECEIVE", internal_message_id=submission, client_hostname=f"{server}.example.com",
        server_hostname=server, recipient_address=recipients, recipient_status=kinds, message_info="04I: ", **said,
    )  # fmt: skip
    to = world.random.choice(["ex19a", "ex19b"])
    hop = Transport(message, to, message.at + ms(140))
    hop.path.insert(0, message.first)
    hop.row(
        hop.at, source="SMTP", event_id="RECEIVE", client_ip=IPS[server], client_hostname=f"{server}.example.com", server_ip=IPS[to], server_hostname=to,
        connector_id=f"{to.upper()}\\Default {to.upper()}", recipient_address=recipients, message_info="0cI: ",
        custom_data=f"S:FirstForestHop={to}.example.com;S:FromEntity=Hosted",
    )  # fmt: skip
    hop.shadow(recipients)
    # Older builds name no recipients here.
    listed = recipients if world.random.random() < 0.7 else None
    message.row(
        server, "MSGTRKMS", message.at + ms(150), event_id="SUBMIT", internal_message_id=submission, client_hostname=f"{server}.example.com",
        server_hostname=f"{to}.example.com", server_ip=IPS[to], recipient_address=listed, **said,
    )  # fmt: skip
    hop.agents(recipients)
    return hop


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
