"""The servers of an organisation, and what each would log of a message that passes it. For make.py."""
import collections
import datetime
import random

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
