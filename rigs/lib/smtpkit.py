#!/usr/bin/env python3
"""Small SMTP servers for the rigs (standard library only).

  smtpkit.py sink   --listen ADDR:PORT --log FILE.jsonl [--mode accept|grey] [--tls-cert C --tls-key K]
  smtpkit.py filter --listen ADDR:PORT --next ADDR:PORT --log FILE.jsonl

sink:   an outside mail exchanger. The recipient's local part can order an answer: r<code>-name gets that code at RCPT
        (r550-x, r451-x), d<code>-name after DATA. --mode grey answers 450 to the first try of each sender and recipient.
filter: an after-queue content filter, SMTP in and out. The subject can order what it does: FILTER-DISCARD answers 250
        and drops, FILTER-REJECT answers 554, FILTER-TEMPFAIL answers 451 at the first try and then passes.

Each acceptance and each refusal is one JSON line with what the server itself saw: truth that no mail log had a part in.
"""

import argparse
import email
import email.policy
import json
import os
import re
import signal
import smtplib
import socketserver
import ssl
import sys
import threading
import time

LOCK = threading.Lock()
LINE_BYTES_MAX = 4096
DATA_LINE_BYTES_MAX = 1 << 20
RECEIVED_BY = re.compile(r"\bby\s+(\S+).*?\b(?:id|with\s+\S+\s+id)\s+([^\s;()]+)", re.S)


# ---- what a message says about itself ------------------------------------------------------------------------------

def unfold(value):
    return re.sub(r"\s+", " ", str(value)).strip()


def header(message, name):
    return None if message[name] is None else unfold(message[name])


def hop(received):
    """One Received header: from whom, by whom, under which queue id."""
    came_from, by = re.match(r"from (\S+)", received), RECEIVED_BY.search(received)
    return {"from": came_from and came_from.group(1), "by": by and by.group(1), "id": by and by.group(2)}


def facts(data):
    """Headers, hops (oldest first) and, of a delivery report, what it reports."""
    message = email.message_from_bytes(data, policy=email.policy.compat32)
    record = {
        "message_id": header(message, "Message-ID") or None, "gt_id": message["X-GT-ID"],
        "subject": header(message, "Subject"), "content_type": message.get_content_type(),
        "auto_submitted": message["Auto-Submitted"], "size": len(data),
        "hops": [hop(unfold(received)) for received in reversed(message.get_all("Received") or [])],
    }
    if record["content_type"] == "multipart/report":
        record.update(report_facts(message))
    return record


def report_facts(report):
    found = {"dsn": []}
    for part in report.walk():
        kind = part.get_content_type()
        if kind == "message/delivery-status":
            for block in part.get_payload():
                names = ("Final-Recipient", "Original-Recipient", "Action", "Status", "Diagnostic-Code")
                if block["Final-Recipient"]:
                    found["dsn"].append({name: unfold(block[name]) for name in names if block[name]})
                elif block["Reporting-MTA"]:
                    found["reporting_mta"] = unfold(block["Reporting-MTA"])
        elif kind in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"):
            payload = part.get_payload()
            quoted = payload[0] if isinstance(payload, list) else email.message_from_string(payload)
            found["dsn_of_message_id"] = header(quoted, "Message-ID") or None
            found["dsn_of_gt_id"] = quoted["X-GT-ID"]
    return found


# ---- the protocol ----------------------------------------------------------------------------------------------------

class Session(socketserver.StreamRequestHandler):
    """One client's session; what becomes of a recipient and of a message is the role's to say."""

    timeout = 60

    def handle(self):
        self.role = self.server.role
        self.helo, self.sender, self.recipients, self.mail_options, self.xforward = "", None, [], [], {}
        try:
            self.say(f"220 {self.role.hostname} ESMTP rig")
            while line := self.rfile.readline(LINE_BYTES_MAX):
                text = line.decode("utf-8", "replace").strip()
                verb = re.match(r"[A-Za-z]*", text).group(0).lower()
                command = getattr(self, f"smtp_{verb}", None)
                if command is None:
                    self.say("500 5.5.2 Unknown command")
                elif command(text) == "over":
                    return
        except (OSError, ssl.SSLError, ValueError):
            return  # the client left

    def say(self, line):
        self.wfile.write((line + "\r\n").encode())
        self.wfile.flush()

    def over_tls(self):
        return isinstance(self.connection, ssl.SSLSocket)

    def smtp_helo(self, text):
        self.helo = text[5:]
        self.say(f"250 {self.role.hostname}")

    def smtp_ehlo(self, text):
        self.helo = text[5:]
        extensions = ["PIPELINING", "SIZE 50000000", "8BITMIME", "ENHANCEDSTATUSCODES", "SMTPUTF8", *self.role.extensions]
        if self.role.tls and not self.over_tls():
            extensions.append("STARTTLS")
        for name in [self.role.hostname, *extensions[:-1]]:
            self.say(f"250-{name}")
        self.say(f"250 {extensions[-1]}")

    def smtp_starttls(self, _text):
        self.say("220 2.0.0 Ready")
        self.connection = self.role.tls.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")

    def smtp_xforward(self, text):
        self.xforward.update(pair.split("=", 1) for pair in text[9:].split() if "=" in pair)
        self.say("250 2.0.0 Ok")

    def smtp_mail(self, text):
        self.sender, self.recipients = re.search(r"<(.*?)>", text).group(1), []
        self.mail_options = text.split(">", 1)[1].split()
        self.say("250 2.1.0 Ok")

    def smtp_rcpt(self, text):
        recipient = re.search(r"<(.*?)>", text).group(1)
        refusal = self.role.refuse_recipient(self.sender, recipient)
        if not refusal:
            self.recipients.append(recipient)
        self.say(refusal or "250 2.1.5 Ok")

    def smtp_data(self, _text):
        if not self.recipients:
            self.say("554 5.5.1 No valid recipients")
            return
        self.say("354 End data with <CR><LF>.<CR><LF>")
        self.say(self.role.take(self, self.read_data()))
        self.sender, self.recipients = None, []

    def read_data(self):
        lines = []
        while (line := self.rfile.readline(DATA_LINE_BYTES_MAX)) not in (b".\r\n", b".\n"):
            if not line:
                raise ConnectionError("closed in DATA")
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)

    def smtp_rset(self, _text):
        self.sender, self.recipients = None, []
        self.say("250 2.0.0 Ok")

    def smtp_noop(self, _text):
        self.say("250 2.0.0 Ok")

    def smtp_quit(self, _text):
        self.say("221 2.0.0 Bye")
        return "over"


# ---- the roles -------------------------------------------------------------------------------------------------------

class Role:
    extensions = []

    def __init__(self, options):
        self.hostname, self.log, self.at = options.hostname, options.log, options.listen
        self.tls = None
        if options.tls_cert:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(options.tls_cert, options.tls_key)

    def note(self, event, **facts_of_it):
        row = {"ev": event, "at": self.at, "t": round(time.time(), 3), **facts_of_it}
        with LOCK, open(self.log, "a", encoding="utf-8") as file:
            file.write(json.dumps(row, sort_keys=True) + "\n")

    def seen_by(self, session, data):
        return {**facts(data), "from": session.sender, "rcpts": session.recipients,
                "peer": session.client_address[0], "helo": session.helo, "tls": session.over_tls()}

    def refuse_recipient(self, _sender, _recipient):
        return None


class Sink(Role):
    extensions = ["DSN"]

    def __init__(self, options):
        super().__init__(options)
        self.greylists, self.known, self.accepted = options.mode == "grey", set(), 0

    def refuse_recipient(self, sender, recipient):
        ordered = re.match(r"r([45]\d\d)-", recipient)
        if ordered:
            code = ordered.group(1)
            self.note("rcpt-refused", code=int(code), **{"from": sender}, rcpt=recipient)
            return f"{code} {code[0]}.1.1 <{recipient}>: Recipient refused by rig"
        if self.greylists and (sender, recipient) not in self.known:
            self.known.add((sender, recipient))
            self.note("grey", code=450, **{"from": sender}, rcpt=recipient)
            return f"450 4.2.0 <{recipient}>: Recipient address rejected: Greylisted, try again"
        return None

    def take(self, session, data):
        seen = self.seen_by(session, data)
        for recipient in session.recipients:
            ordered = re.match(r"d([45]\d\d)-", recipient)
            if ordered:
                code = ordered.group(1)
                self.note("data-refused", code=int(code), **seen)
                return f"{code} {code[0]}.7.1 Message refused by rig"
        with LOCK:
            self.accepted += 1
            name = f"SINK{self.accepted:06d}"
        self.note("accepted", sink_id=name, **seen)
        return f"250 2.0.0 Ok: queued as {name}"


class Refused(Exception):
    """The next server's refusal, as its reply."""


class Filter(Role):
    extensions = ["XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE"]

    def __init__(self, options):
        super().__init__(options)
        self.address = options.listen.rsplit(":", 1)[0]
        self.next_host, self.next_port = options.next.rsplit(":", 1)
        self.tried = set()

    def take(self, session, data):
        seen = self.seen_by(session, data)
        seen.update(upstream_queue_id=seen["hops"][-1]["id"] if seen["hops"] else None, xforward=session.xforward)
        ordered = self.ordered_by_subject(seen)
        if ordered:
            event, reply = ordered
            self.note(event, **seen)
            return reply
        try:
            reply, bad = self.hand_back(session, data)
        except (OSError, smtplib.SMTPException, Refused) as error:
            reply = str(error) if isinstance(error, Refused) else f"451 4.5.0 {type(error).__name__}: {error}"
            self.note("reinject-failed", reply=reply, **seen)
            return reply.replace("\n", " ")
        queued = re.search(r"queued as (\S+)", reply)
        self.note("passed", reply=reply, reinjected_queue_id=queued and queued.group(1), bad=bad, **seen)
        return f"250 2.0.0 from MTA(smtp:[{self.next_host}]:{self.next_port}): {reply}"

    def ordered_by_subject(self, seen):
        subject = seen["subject"] or ""
        if "FILTER-DISCARD" in subject:
            return "discarded", "250 2.7.0 Ok, discarded, id=rig"
        if "FILTER-REJECT" in subject:
            return "rejected", "554 5.7.0 Reject, id=rig - content refused"
        attempt = (seen["from"], tuple(seen["rcpts"]), seen["message_id"])
        if "FILTER-TEMPFAIL" in subject and attempt not in self.tried:
            self.tried.add(attempt)
            return "tempfailed", "451 4.5.0 Error in processing, id=rig, try again"
        return None

    def hand_back(self, session, data):
        """The next server's reply, and the recipients it refused."""
        with smtplib.SMTP(self.next_host, int(self.next_port), local_hostname=self.hostname, timeout=30,
                          source_address=(self.address, 0)) as smtp:
            smtp.ehlo()
            if "xforward" in smtp.esmtp_features and session.xforward:
                smtp.docmd("XFORWARD", " ".join(f"{name}={value}" for name, value in session.xforward.items()))
            options = [option for option in session.mail_options if option.upper() in ("SMTPUTF8", "BODY=8BITMIME")]
            code, text = smtp.mail(session.sender, options)
            if code != 250:
                raise Refused(f"{code} {text.decode()}")
            bad = {}
            for recipient in session.recipients:
                code, text = smtp.rcpt(recipient)
                if code not in (250, 251):
                    bad[recipient] = f"{code} {text.decode()}"
            if len(bad) == len(session.recipients):
                raise Refused(next(iter(bad.values())))
            code, text = smtp.data(b"X-Rig-Filtered: yes\r\n" + data)
            if code >= 400:
                raise Refused(f"{code} {text.decode()}")
            return f"{code} {text.decode()}", bad


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("role", choices=["sink", "filter"])
    parser.add_argument("--listen", required=True, help="ADDR:PORT")
    parser.add_argument("--next", help="ADDR:PORT where the filter hands mail back")
    parser.add_argument("--log", required=True, help="JSON lines, one for each event")
    parser.add_argument("--mode", choices=["accept", "grey"], default="accept")
    parser.add_argument("--hostname", default="rig.example.net")
    parser.add_argument("--tls-cert")
    parser.add_argument("--tls-key")
    parser.add_argument("--pidfile")
    parser.add_argument("--max-seconds", type=int, default=3600, help="stops by itself")
    return parser.parse_args()


def main():
    options = arguments()
    address, port = options.listen.rsplit(":", 1)
    server = Server((address, int(port)), Session)
    server.role = {"sink": Sink, "filter": Filter}[options.role](options)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    if options.pidfile:
        with open(options.pidfile, "w", encoding="utf-8") as file:
            file.write(f"{os.getpid()}\n")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    time.sleep(options.max_seconds)


if __name__ == "__main__":
    main()
