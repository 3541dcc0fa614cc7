"""A stand-in for an IMAP server, for what real ones do not do when they are asked: connections that end in the middle of a word, answers that
are none, texts of absurd sizes, a folder that is made anew. It takes one user, in the clear, and shows one folder of messages that never were."""

import re
import socketserver
import threading
import time

USER, PASSWORD = "journal", "pass word"
STRUCTURE = (
    '(("text" "plain" ("charset" "utf-8") NIL NIL "8bit" 24 1 NIL NIL NIL NIL)'
    '("application" "pdf" ("name" "{name}") NIL NIL "base64" 78 NIL ("attachment" ("filename" {literal})) NIL NIL) "mixed" ("boundary" "b") NIL NIL NIL)'
)


class Message:
    def __init__(self, number):
        self.number = number
        self.name = f"file {number}.pdf"
        # Some with a header that is longer than is kept.
        padding = "".join(f"X-MS-Journal-Note: {'x' * 900}\r\n" for _ in range(400 if number % 97 == 5 else 0))
        # Some passed none of the servers.
        by = "elsewhere.example.net" if number % 11 == 7 else "mx1.example.org"
        self.is_told = number % 11 != 7
        self.header = (
            f"Received: from client ([192.0.2.7])\r\n\tby {by} with esmtp (Exim 4.96)\r\n\tid 1vM{number:06}-00000001Ab-2DEf;"
            f" Sun, 22 Nov 2026 04:{number // 60 % 60:02}:{number % 60:02} +0000\r\nFrom: a@example.net\r\nSubject: number {number}\r\n"
            f"Message-ID: <{number}@example.net>\r\n{padding}\r\n"
        ).encode()


class Imap(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads = True, True

    def __init__(self, dice):
        super().__init__(("127.0.0.1", 0), Conversation)
        self.port, self.dice, self.lock = self.server_address[1], dice, threading.Lock()
        self.messages, self.next_uid, self.validity = {}, 1, 1
        self.faults, self.counts, self.commands = False, {}, []
        self.folder, self.is_validity_said = "INBOX", True
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def add(self, count=1):
        with self.lock:
            for _ in range(count):
                self.messages[self.next_uid] = Message(self.next_uid)
                # Some UIDs were others', which are gone.
                self.next_uid += self.dice.choice([1, 1, 1, 2, 60 if self.dice.random() < 0.02 else 1])

    def made_anew(self):
        """The same messages under other numbers."""
        with self.lock:
            self.validity += 1
            self.messages = {uid: message for uid, message in enumerate(self.messages.values(), 1)}
            self.next_uid = len(self.messages) + 1

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def handle_error(self, *_):
        # Whoever is killed ends a connection anywhere.
        pass

    def stop(self):
        self.shutdown()
        self.server_close()


class Broken(Exception):
    pass


class Conversation(socketserver.StreamRequestHandler):
    def handle(self):
        self.say(b"* OK [CAPABILITY IMAP4rev1] stand-in\r\n")
        try:
            while line := self.rfile.readline(4096):
                tag, _, command = line.decode().rstrip("\r\n").partition(" ")
                with self.server.lock:
                    self.server.commands.append(command)
                self.command(tag, command)
        except Broken:
            pass

    def say(self, data):
        server = self.server
        kind = None
        if server.faults and server.dice.random() < 0.06:
            kind = server.dice.choice(["cut", "reset", "bye", "nonsense", "huge", "slow"])
            server.count(kind)
        if kind in ("cut", "reset"):
            self.wfile.write(data[: server.dice.randrange(len(data))])
            raise Broken
        if kind == "bye":
            self.wfile.write(b"* BYE going down\r\n")
            raise Broken
        if kind == "nonsense":
            self.wfile.write(b"\0\xff(((( {5}\r\n" + data[: server.dice.randrange(len(data))])
            raise Broken
        if kind == "huge":
            self.wfile.write(b"* 1 FETCH (UID 1 BODY[HEADER] {99999999999}\r\n" + b"x" * 10000)
            raise Broken
        if kind == "slow":
            for at in range(0, len(data), 1 + len(data) // 5):
                self.wfile.write(data[at : at + 1 + len(data) // 5])
                time.sleep(0.01)
            return
        self.wfile.write(data)

    def command(self, tag, command):
        server, answer = self.server, f"{tag} OK done\r\n".encode()
        refused = lambda why: f"{tag} NO {why}\r\n".encode()  # noqa: E731
        if command == "CAPABILITY":
            self.say(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n" + answer)
        elif command.startswith("LOGIN "):
            is_right = command == f'LOGIN "{USER}" "{PASSWORD}"'
            self.say(answer if is_right else refused("[AUTHENTICATIONFAILED] Authentication failed."))
        elif command.startswith("EXAMINE "):
            if command != f'EXAMINE "{server.folder}"':
                return self.say(refused("[NONEXISTENT] Mailbox doesn't exist"))
            with server.lock:
                validity, uid_next, exists = server.validity, server.next_uid, len(server.messages)
            said = f"* OK [UIDVALIDITY {validity}] valid\r\n" if server.is_validity_said else ""
            self.say(f"* {exists} EXISTS\r\n{said}* OK [UIDNEXT {uid_next}] next\r\n".encode() + answer)
        elif found := re.fullmatch(r"UID FETCH (\d+):(\d+) \(UID INTERNALDATE RFC822.SIZE BODYSTRUCTURE BODY\.PEEK\[HEADER\.FIELDS \(.*\)\]\)", command):
            self.fetch(int(found[1]), int(found[2]), answer, refused)
        elif command == "LOGOUT":
            self.say(b"* BYE bye\r\n" + answer)
        else:
            self.say(f"{tag} BAD what\r\n".encode())

    def fetch(self, first, last, answer, refused):
        server = self.server
        with server.lock:
            found = [(at, uid, message) for at, (uid, message) in enumerate(server.messages.items(), 1) if first <= uid <= last]
        if server.faults and server.dice.random() < 0.03:
            server.count("no")
            return self.say(refused("[SERVERBUG] Internal error occurred"))
        for at, uid, message in found:
            name = message.name.encode()
            structure = STRUCTURE.format(name=message.name, literal=f"{{{len(name)}}}").encode()
            structure = structure.replace(b"}))", b"}\r\n" + name + b"))", 1)
            header = message.header
            self.say(
                b'* %d FETCH (UID %d INTERNALDATE "22-Nov-2026 05:00:00 +0000" RFC822.SIZE 999 BODYSTRUCTURE %s BODY[HEADER.FIELDS (RECEIVED)] {%d}\r\n%s)\r\n'
                % (at, uid, structure, len(header), header)
            )
            if server.faults and server.dice.random() < 0.05:
                self.say(b"* 3 FETCH (FLAGS (\\Seen))\r\n* 5 EXPUNGE\r\n")
        self.say(answer)
