#!/usr/bin/env python3
"""Writes the corpora of this folder anew: consoles, activity dumps and events of Domino servers that never were, with their truth.

usage: make.py [FOLDER]

The same program gives the same bytes. What it writes is decided message by message before any line is; see README.md for where the shapes
of the lines come from.
"""
import datetime
import gzip
import json
import os
import random
import sys
import zoneinfo

PARIS = zoneinfo.ZoneInfo("Europe/Paris")
UTC = datetime.timezone.utc
FIRST = ["Jane", "Bob", "Jörg", "Anne-Marie", "Zoë", "Peter", "Nathalie", "Éric", "Mary Ann", "Luís"]
LAST = ["Doe", "Miller", "Müller", "Dupont", "Niño", "van Dyke", "O'Hara", "Lefèvre", "Smith"]
WORLD = ["example.net", "mail.example.net", "example.org", "lists.example.org"]

PREFIX = {
    "windows": lambda r, task: f"[1D44:{task % 4096:04X}-{r.randrange(0x1000, 0xFFFF):04X}]",
    "linux-2014": lambda r, task: f"[28325:{task:05d}-{3735542592 + r.randrange(9) * 65536}]",
    "unix-2014": lambda r, task: f"[12209:{task:05d}-{r.randrange(10, 99999):05d}]",
    "linux-2019": lambda r, task: f"[025432:{task:06d}-00007F5C{r.randrange(1 << 32):08X}]",
    "none": lambda r, task: "",
}


def clock12(at):
    return at.strftime("%I:%M:%S") + "{hundredths} " + at.strftime("%p")


STAMP = {
    "month-24": lambda at, _: at.strftime("%m/%d/%Y %H:%M:%S") + "   ",
    "month-12": lambda at, _: at.strftime("%m/%d/%Y ") + clock12(at).format(hundredths="") + "  ",
    "month-12-hundredths": lambda at, r: at.strftime("%m/%d/%Y ") + clock12(at).format(hundredths=f".{r.randrange(100):02d}") + " ",
    "day-24": lambda at, _: at.strftime("%d/%m/%Y %H:%M:%S") + "   ",
    "day-dots": lambda at, _: at.strftime("%d.%m.%Y %H:%M:%S") + "   ",
    "day-dashes": lambda at, _: at.strftime("%d-%m-%Y %H:%M:%S") + "   ",
    "year": lambda at, _: at.strftime("%Y-%m-%d %H:%M:%S") + "   ",
}


class Server:
    def __init__(self, run, name, prefix, stamp, charset="utf-8", first_id=0x60B84):
        self.run, self.name, self.prefix, self.stamp, self.charset = run, name, prefix, stamp, charset
        self.next_id = first_id
        self.lines = []
        run.servers[name] = self

    def note(self):
        self.next_id += self.run.random.choice([4, 4, 8, 12])
        return f"{self.next_id:08X}"

    def queue_id(self, note, at):
        return f"{note}.{at.astimezone(PARIS):%Y%m%d}"

    def say(self, at, text):
        r = self.run.random
        prefix = PREFIX[self.prefix](r, r.randrange(2, 40))
        line = (prefix + " " if prefix else "") + STAMP[self.stamp](at.astimezone(PARIS), r) + text
        self.lines.append((at, line.encode(self.charset)))

    def bare(self, at, text):
        """A line without time: it stands behind the line before it."""
        self.lines.append((at, text.encode(self.charset)))

    def text(self, since=None, until=None):
        lines = sorted(self.lines, key=lambda line: line[0])
        return b"".join(l + b"\n" for at, l in lines if (not since or at >= since) and (not until or at < until))

    # What the router and the SMTP server say.

    def accepted(self, at, note, message_id, host, size):
        self.say(at, f"SMTP Server: Message {note} (MessageID: {message_id}) received from {host} size {size} bytes")

    def delivered(self, at, note, to, sender, size, second=None, unique=None):
        ids = f"{note}, {second}" if second else note
        unique = unique or self.run.unique_id()
        self.say(at, f"Router: Message {ids} delivered to {to} from {sender} {unique} Size: {(size + 1023) // 1024}K Time: 00:00:01")

    def transferred(self, at, note, relay, to, sender, size):
        unique = self.run.unique_id()
        self.say(at, f"Router: Message {note} transferred to {relay} for {to} from {sender} {unique} Size: {(size + 1023) // 1024}K via SMTP")

    def not_transferred(self, at, note, relay, to, sender, size, error):
        self.say(at, f"Router: Message {note} NOT transferred via SMTP to {relay.upper()} for {to} from {sender} "
                     f"Size: {(size + 1023) // 1024}K Error transferring to {relay}; {error}")

    def noise(self, at):
        r = self.run.random
        self.say(at, r.choice([
            "Router: Delivery thread 000A: searching for work",
            "Router: Transfer thread 000C: searching for work",
            "Router: Delivery to local recipient Jane Doe is ready with 2 messages",
            "Router: Transfer to server MX.EXAMPLE.NET is ready with 1 messages",
            "Router: Transferring mail to domain EXAMPLE.NET (host MX.EXAMPLE.NET) via SMTP",
            "Router: No messages transferred to mail2.acme.example",
            f"SMTP Server: mx{r.randrange(9)}.example.net connected",
            f"SMTP Server: mx{r.randrange(9)}.example.net disconnected. 1 message[s] received",
            "SMTP Server: Originator: ann@example.net",
            "SMTP Server: Recipient: jane@acme.example",
            "SMTP Server: Authentication failed for user postmaster ; connecting host 192.0.2.66",
            "SMTP Server: Authentication succeeded for user jane; connecting host 192.0.2.30",
            "smtp: postmaster [192.0.2.66] authentication failure using internet password",
            "HTTP Server: Using Web Configuration View",
            "Database Replicator started",
            "Finished replication with server pluto/Acme",
            "Unable to replicate with server saturn/Acme: Server not responding",
            "Opened session for Jane Doe/Acme (Release 14.0)",
        ]))

    def crash(self, at):
        self.bare(at, "Unable to bind to port 25, port is already in use")
        self.bare(at, "[0C44:0009-1234] Lock(Mode=X * LockID(DB DB=/local/notesdata/mail/jdoe.nsf))")
        self.bare(at, "\tat lotus.domino.NotesThread.run(NotesThread.java:100)")


class Run:
    def __init__(self, name, seed):
        self.name, self.random = name, random.Random(seed)
        self.servers, self.messages, self.files, self.journeys, self.burst = {}, [], {}, 0, None

    def unique_id(self):
        r = self.random
        return "OF{:08X}:{:08X} ON{:08X}:{:08X}".format(*(r.randrange(1 << 32) for _ in range(4)))

    def person(self):
        return f"{self.random.choice(FIRST)} {self.random.choice(LAST)}/{self.random.choice(['Sales/Acme', 'Acme', 'IT/Paris/Acme'])}"

    def stranger(self):
        return f"p{self.random.randrange(10 ** 6)}@{self.random.choice(WORLD)}"

    def message_id(self):
        return f"<{self.random.randrange(1 << 40):x}.{len(self.messages)}@{self.random.choice(WORLD)}>"

    def size(self):
        return self.random.choice([700, 2300, 12 * 1024, 90_000, 3_400_000])

    def tell(self, scenario, at, rcpts, queue_id=None, message_id=None, sender=None, size=None, path=None, journeys=1):
        """`rcpts`: (final address, outcome) each."""
        expect = [{"addr": to, "expect": [{"final": to, "outcome": outcome, "stage": "rcpt",
                                           "observed_hops": [{"id": i} for i in path or []]}]} for to, outcome in rcpts]
        self.messages.append({
            "gt_id": f"{self.name}-{len(self.messages):04d}", "scenario": scenario, "queue_id": queue_id, "message_id": message_id,
            "envelope_from": sender, "size": size, "submitted_at": at.timestamp() if at else None, "rcpts": expect})
        self.journeys += journeys

    # What happens to messages at one server.

    def inbound(self, server, at, count=1, scenario="in", note=None, night=False):
        note, message_id, size, sender = note or server.note(), self.message_id(), self.size(), self.stranger()
        first = server.queue_id(note, at)
        server.accepted(at, note, message_id, f"mx{self.random.randrange(9)}.example.net", size)
        rcpts, path = [], [first]
        unique = self.unique_id()
        for n in range(count):
            to = self.person() + (f"{n}" if count > 1 else "")
            then = at + datetime.timedelta(seconds=30 if night else 1 + self.random.randrange(60))
            second = server.note() if self.random.random() < 0.3 else None
            server.delivered(then, note, to, sender, size, second, unique)
            rcpts.append((to, "delivered"))
            path.append(server.queue_id(note, then))
        self.tell(scenario, at, rcpts, first, message_id, sender, size, sorted(set(path)))
        return note

    def internal(self, server, at, to=None, sender=None):
        note, size = server.note(), self.size()
        to, sender = to or self.person(), sender or self.person()
        server.delivered(at, note, to, sender, size)
        self.tell("internal", at, [(to, "delivered")], server.queue_id(note, at), None, sender)

    def short(self, server, at):
        note, to = server.note(), self.person()
        server.say(at, f"Router: Message {note} delivered to {to}")
        self.tell("short-delivered", at, [(to, "delivered")], server.queue_id(note, at))
        note, to = server.note(), self.stranger()
        server.say(at, f"Router: Message {note} transferred to MX.EXAMPLE.NET for {to} via SMTP")
        self.tell("short-transferred", at, [(to, "delivered")], server.queue_id(note, at))

    def outbound(self, server, at, fate="delivered"):
        note, size, sender, to, relay = server.note(), self.size(), self.person(), self.stranger(), "mx.example.net"
        for n in range(0 if fate == "delivered" else 1 if fate == "bounced" else 2):
            error = ("SMTP Protocol Returned a Permanent Error 550 5.1.1 User unknown" if fate == "bounced"
                     else "The remote server is not a known TCP/IP host.")
            server.not_transferred(at + datetime.timedelta(minutes=15 * n), note, relay, to, sender, size, error)
        if fate in ("delivered", "retried"):
            server.transferred(at + datetime.timedelta(minutes=31 if fate == "retried" else 0), note, relay, to, sender, size)
        outcome = "delivered" if fate == "retried" else fate
        self.tell("out-" + fate, at, [(to, outcome)], server.queue_id(note, at), None, sender)

    def forwards(self, server, at):
        note, by, to = server.note(), self.person(), self.stranger()
        sender, size, later = self.stranger(), self.size(), datetime.timedelta(seconds=2)
        server.delivered(at, note, by, sender, size)
        server.say(at + later / 2, f"Router: Message {note} auto forwarded by {by} to {to}")
        server.transferred(at + later, note, "mx.example.net", to, by, size)
        self.tell("auto-forwarded", at, [(by, "delivered"), (to, "delivered")], server.queue_id(note, at), None, sender)
        note, to = server.note(), self.stranger()
        server.say(at, f"Router: Message {note} forwarded to {to} from {sender} {self.unique_id()}")
        server.transferred(at + later, note, "mx.example.net", to, sender, size)
        self.tell("forwarded", at, [(to, "delivered")], server.queue_id(note, at), None, sender)

    def refusals(self, server, at):
        server.say(at, "SMTP Server [1D44:0658-0C6C] Connection from [192.0.2.66] rejected for policy reasons. "
                       "Host found in DNS blacklist at zen.example.org")
        self.tell("policy", None, [("", "rejected")], journeys=0)
        server.say(at, "SMTP Server: Message rejected. Authenticated user jane from host 192.0.2.30 sending mail from boss@acme.example "
                       "failed to match directory address jane@acme.example")
        self.tell("forgery", None, [("", "rejected")], journeys=0)

    def day(self, server, begin, hours, messages):
        """Some of everything, spread over hours."""
        kinds = [self.inbound, self.inbound, self.internal, self.outbound,
                 lambda s, t: self.inbound(s, t, 3, "in-three"), self.short, self.forwards, self.refusals,
                 lambda s, t: self.outbound(s, t, "retried"), lambda s, t: self.outbound(s, t, "bounced"),
                 lambda s, t: self.outbound(s, t, "deferred"),
                 lambda s, t: self.internal(s, t, to="Letters from Home/Acme"),
                 lambda s, t: server.crash(t)]
        span = datetime.timedelta(hours=hours) / messages
        for n in range(messages):
            at = (begin + span * n).replace(microsecond=0)
            server.noise(at - datetime.timedelta(seconds=1))
            kind = kinds[n % len(kinds)]
            # What waits over midnight is told as two messages, see README.md.
            late = n % len(kinds) in (8, 10) and at.astimezone(PARIS).hour == 23
            (self.internal if late else kind)(server, at)

    # Files.

    def write(self, host, name, data, modified=None):
        self.files[f"{host}/{name}"] = (data, modified)

    def save(self, folder):
        folder = os.path.join(folder, self.name)
        for path, (data, _) in self.files.items():
            put(os.path.join(folder, path + ".gz"), data)
        truth = {
            "run": self.name, "zone": "Europe/Paris", "made": True, "journeys": self.journeys, "messages": self.messages,
            "files": {path: {"modified": int(modified.timestamp()) if modified else None} for path, (_, modified) in self.files.items()}}
        put(os.path.join(folder, "ground-truth.json.gz"), json.dumps(truth, ensure_ascii=False, indent=0).encode())


def put(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file, gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
        packed.write(data)


def local(*parts, fold=0):
    return datetime.datetime(*parts, tzinfo=PARIS, fold=fold).astimezone(UTC)


def acme():
    """Two servers over two days: mirror files whose numbers are not their order, and a console.log that was written over."""
    run = Run("acme", 1)
    edge = Server(run, "edge1", "linux-2019", "month-24")
    mail = Server(run, "mail2", "windows", "day-24", "iso-8859-1", first_id=0x3903B0)
    begin, second = datetime.timedelta, local(2026, 3, 26, 6)
    run.day(edge, local(2026, 3, 25, 8), 15, 130)
    run.day(mail, local(2026, 3, 25, 8, 0, 7), 15, 130)
    # Over midnight, within a minute.
    run.inbound(edge, local(2026, 3, 25, 23, 59, 45), scenario="in-at-midnight", night=True)
    run.inbound(mail, local(2026, 3, 25, 23, 59, 50), scenario="in-at-midnight", night=True)
    # The same note on two servers, on two days, and twice on one day.
    for server in (edge, mail):
        run.inbound(server, second, scenario="note-used-again", note="00060BA0")
        run.inbound(server, second + begin(hours=3), scenario="note-used-again", note="00060BA0")
    for n in range(12):
        at = second + begin(minutes=7 * n + 1)
        # By SMTP to the next server, which knows the same Message-ID and the same address.
        a, b, message_id, size, to = edge.note(), mail.note(), run.message_id(), run.size(), f"u{n}@acme.example"
        sender = run.stranger()
        edge.accepted(at, a, message_id, "mx1.example.net", size)
        edge.transferred(at + begin(seconds=3), a, "mail2.acme.example", to, sender, size)
        mail.accepted(at + begin(seconds=3), b, message_id, "edge1.acme.example", size + 300)
        mail.delivered(at + begin(seconds=5), b, to, sender, size + 300)
        run.tell("two-servers", at, [(to, "delivered")], edge.queue_id(a, at), message_id, sender, size,
                 [edge.queue_id(a, at), mail.queue_id(b, at)])
        # By Domino's own protocol: the first server says nothing of the message but that it came, so that it is another's by the log.
        a, b, message_id, to = edge.note(), mail.note(), run.message_id(), run.person()
        edge.accepted(at + begin(seconds=20), a, message_id, "mx1.example.net", size)
        edge.say(at + begin(seconds=22), "Router: Transferred 1 messages to mail2/Acme via Notes")
        mail.delivered(at + begin(seconds=24), b, to, sender, size)
        run.tell("nrpc-arrival", at + begin(seconds=20), [], edge.queue_id(a, at), message_id)
        run.tell("nrpc-delivery", at + begin(seconds=24), [(to, "delivered")], mail.queue_id(b, at), None, sender)
        # One memo to somebody on each server: both log its unique id.
        a, b, one, two, unique = edge.note(), mail.note(), run.person() + "1", run.person() + "2", run.unique_id()
        sender = run.person()
        edge.delivered(at + begin(seconds=40), a, one, sender, size, unique=unique)
        mail.delivered(at + begin(seconds=43), b, two, sender, size, unique=unique)
        run.tell("one-memo-two-servers", at + begin(seconds=40), [(one, "delivered"), (two, "delivered")], edge.queue_id(a, at), None, sender)
    cut1, cut2 = local(2026, 3, 25, 12, 30), local(2026, 3, 25, 20)
    run.write("edge1", "console2.log", edge.text(until=cut1), cut1)
    run.write("edge1", "console7.log", edge.text(cut1, cut2), cut2)
    run.write("edge1", "console1.log", edge.text(cut2), local(2026, 3, 26, 10))
    # In place: the young lines stand at the beginning, then what is left of a line, then the old ones.
    wrap = local(2026, 3, 25, 21)
    torn = b"s (MessageID: <old@example.net>) received from mx9.example.net size 4711 bytes\n"
    run.write("mail2", "console.log", mail.text(since=wrap) + torn + mail.text(until=wrap), local(2026, 3, 26, 10))
    return run


def autumn():
    """The night in which an hour comes twice; twelve-hour clocks, and dates with dots."""
    run = Run("autumn", 2)
    west = Server(run, "west", "linux-2014", "month-12", first_id=0x1000)
    east = Server(run, "east", "none", "day-dots", "iso-8859-1", first_id=0x90000)
    for server in (west, east):
        run.day(server, local(2025, 10, 25, 20), 8, 170)
        server.lines.sort(key=lambda line: line[0])
        run.write(server.name, "notes.log", b"Domino server startup (a line without process prefix)\n" + server.text(),
                  local(2025, 10, 26, 5))
    return run


def ambiguous():
    """No value above twelve in any date."""
    run = Run("ambiguous", 3)
    night = Server(run, "night", "unix-2014", "day-24", first_id=0x2000)
    run.day(night, local(2026, 6, 5, 22), 5, 120)
    run.write("night", "console.log", night.text(), local(2026, 6, 6, 4))
    single = Server(run, "single", "windows", "month-12-hundredths", first_id=0x50000)
    run.day(single, local(2026, 5, 6, 8), 9, 60)
    run.write("single", "console.log", single.text(), local(2026, 5, 6, 18))
    old = Server(run, "old", "none", "day-dashes", "iso-8859-1", first_id=0xA0000)
    for n in range(40):
        at = local(2005, 7, 3, 9) + datetime.timedelta(minutes=5 * n)
        old.noise(at)
        run.short(old, at + datetime.timedelta(seconds=1))
    run.write("old", "console.log", old.text(), local(2005, 7, 3, 13))
    iso = Server(run, "iso", "linux-2014", "year", first_id=0xF0000)
    run.day(iso, local(2026, 6, 5, 22), 3, 40)
    run.write("iso", "console.log", iso.text().replace(b"\n", b"\r\n"), local(2026, 6, 6, 4))
    return run




def activity():
    """Dumps of two servers' activity records."""
    run = Run("activity", 4)
    records = {"hub1": [], "mail2": []}

    def record(server, at, event, message_id, sender, rcpts, **more):
        fields = [("ServerName", f"CN={server}/O=Acme"), ("MessageId", message_id), ("PostedDate", f"{at:%m/%d/%Y %I:%M:%S %p}"),
                  ("EventType", str(event)), ("Originator", sender), ("Recipients", rcpts), *more.items()]
        records[server].append((at, "Domino.MAIL", fields))

    def tell(scenario, at, rcpts, message_id, sender, size):
        run.tell(scenario, at, rcpts, None, message_id, sender, size)

    begin = local(2026, 3, 26, 8)
    for n in range(160):
        at, size, sender, message_id = begin + datetime.timedelta(minutes=3 * n), run.size(), run.stranger(), run.message_id()
        second = datetime.timedelta(seconds=1)
        deposit = {"SessionId": f"0000{n:04X}", "PrevHop": "mx1.example.net", "Size": str(size)}
        match n % 8:
            case 0 | 1:
                rcpts = [f"CN={run.person().replace('/', '/O=', 1)}{i}" for i in range(1 + n % 3)]
                record("hub1", at, 1, message_id, sender, rcpts, **deposit)
                record("hub1", at + second, 2, message_id, sender, rcpts, Size=str(size))
                tell("in", at, [(to, "delivered") for to in rcpts], message_id, sender, size)
            case 2:
                # A user's own message.
                sender = f"CN=Jane Doe {n}/O=Acme"
                record("hub1", at, 1, message_id, sender, ["bob@example.net"], **{**deposit, "PrevHop": sender})
                record("hub1", at + second, 8, message_id, sender, ["bob@example.net"], NextHop="mx.example.net")
                tell("out", at, [("bob@example.net", "delivered")], message_id, sender, size)
            case 3:
                rcpts = [f"u{n}a@acme.example", f"u{n}b@acme.example"]
                record("hub1", at, 1, message_id, sender, rcpts, **deposit)
                record("hub1", at + 2 * second, 8, message_id, sender, rcpts, NextHop="CN=mail2/O=Acme")
                record("mail2", at + 2 * second, 1, message_id, sender, rcpts, **{**deposit, "PrevHop": "CN=hub1/O=Acme"})
                record("mail2", at + 4 * second, 2, message_id, sender, rcpts)
                tell("two-servers", at, [(to, "delivered") for to in rcpts], message_id, sender, size)
            case 4:
                record("hub1", at, 1, message_id, sender, [f"CN=Gone {n}/O=Acme"], **deposit)
                record("hub1", at + second, 4, message_id, sender, [f"CN=Gone {n}/O=Acme"], ErrorMsg="User not listed in Domino Directory")
                tell("bounced", at, [(f"CN=Gone {n}/O=Acme", "bounced")], message_id, sender, size)
            case 5:
                record("hub1", at, 1, message_id, sender, ["x@slow.example.net"], **deposit)
                record("hub1", at + second, 16, message_id, sender, ["x@slow.example.net"], NextHop="slow.example.net",
                       ErrorMsg="Server not responding")
                if n % 16 == 5:
                    record("hub1", at + 900 * second, 8, message_id, sender, ["x@slow.example.net"], NextHop="slow.example.net")
                tell("late", at, [("x@slow.example.net", "delivered" if n % 16 == 5 else "deferred")], message_id, sender, size)
            case 6:
                # Split: a deposit for each part.
                parts = [[f"CN=List {n} {i}/O=Acme" for i in range(part * 20, part * 20 + 20)] for part in range(2)]
                for part in parts:
                    record("hub1", at, 1, message_id, sender, part, **deposit)
                    record("hub1", at + second, 2, message_id, sender, part)
                tell("split", at, [(to, "delivered") for part in parts for to in part], message_id, sender, size)
            case 7:
                record("hub1", at, 1, message_id, sender, ['"Doe; Jane" <jane@example.net>'], **deposit)
                record("hub1", at + second, 16, message_id, sender, ['"Doe; Jane" <jane@example.net>'], NextHop="mx.example.net",
                       ErrorMsg="Error transferring to mx.example.net; SMTP Protocol Returned a Permanent Error 550 5.1.1 User unknown")
                tell("bounced-away", at, [("jane@example.net", "bounced")], message_id, sender, size)
        records["hub1"].append((at + second, "Domino.NOTES.Session", [("UserName", "CN=Jane Doe/O=Acme"), ("EventType", "4")]))
        records["mail2"].append((at + second, "Domino.REPLICA", [("SourceServer", "CN=hub1/O=Acme"), ("BytesIn", "4711")]))
    for server, entries in records.items():
        dump = ""
        for number, (at, name, fields) in enumerate(sorted(entries, key=lambda entry: entry[0]), 1):
            here = at.astimezone(PARIS)
            dump += f"Record #: {number}, Name: {name}, DescIdx: 3, Timestamp: {here:%m/%d/%Y %I:%M:%S %p}\n{{\n"
            for field, value in fields:
                if isinstance(value, list):
                    dump += f"\t{field}:\n\t\t{{\n" + "".join(f"\t\t{entry}\n" for entry in value) + "\t\t}\n"
                else:
                    dump += f"\t{field}: {value}\n"
            dump += "}\n"
        run.write(server, "activity.txt", dump.encode(), local(2026, 3, 26, 20))
    return run


def events():
    """Events of one server as domfwd writes them, and as a container runtime wraps them."""
    run = Run("events", 5)
    server = Server(run, "hub1", "none", "year", first_id=0x700000)
    server.queue_id = lambda note, at: f"{note}.{at:%Y%m%d}"
    run.day(server, local(2026, 3, 26, 8), 9, 150)
    lines = []
    for at, line in sorted(server.lines, key=lambda line: line[0]):
        body = line.decode()[22:] if line[:2] == b"20" else line.decode().strip()
        event = {"time_unix_nano": f"{int(at.timestamp())}120000000", "severity_number": 9, "severity_text": "INFO", "body": body,
                 "scope": {"name": "domino.event"},
                 "resource": {"service.name": "domino", "service.instance.id": "CN=hub1/O=Acme", "host.name": "hub1",
                              "domino.process.pidtid": "83AC:0002-796C"},
                 "attributes": {"domino.event.type": "Mail", "domino.addin.name": "Router", "domino.target.user": ""}}
        text = json.dumps(event, ensure_ascii=False)
        lines.append(json.dumps({"log": text + "\n", "stream": "stdout"}) if len(lines) % 2 else text)
    run.write("hub1", "domino-events.json", ("\n".join(lines) + "\n").encode(), local(2026, 3, 26, 20))
    return run


def main(folder):
    for make in (acme, autumn, ambiguous, activity, events):
        run = make()
        run.save(folder)
        lines = sum(data.count(b"\n") for data, _ in run.files.values())
        print(f"{run.name}: {len(run.messages)} messages, {run.journeys} journeys, {lines} lines")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))
