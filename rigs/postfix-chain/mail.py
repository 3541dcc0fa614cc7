"""A message of known content, and the four ways it can enter the rig: from outside, submitted, by pickup, by swaks.

Each way fills the message's record with what was sent and what the server answered; nothing here reads a log.
"""

import datetime
import email.utils
import hashlib
import os
import random
import re
import smtplib
import ssl
import subprocess
import time
from email.message import EmailMessage

WORDS = (
    "quarterly budget roster invoice delivery schedule minutes draft review access request printer badge parking "
    "audit training travel plan update notice"
).split()


class Rig:
    """A started rig: its addresses, its people, and the messages sent into it so far."""

    def __init__(self, directory, seed, scratch):
        self.directory = os.path.abspath(directory)
        with open(f"{self.directory}/rig.env", encoding="utf-8") as settings:
            self.env = dict(re.findall(r"(\w+)='([^']*)'", settings.read()))
        self.net, self.org, self.ext = self.env["RIG_NET"], self.env["RIG_ORG"], self.env["RIG_EXT"]
        self.users = self.env["RIG_USERS"].split()
        self.edge, self.hub, self.store = (f"{self.net}.{host}" for host in (1, 2, 3))
        self.partner = f"partner.{self.ext}"
        self.people = [user for user in self.users if user not in ("journal", "legal", "ops2")]
        self.seed, self.random, self.scratch = seed, random.Random(seed), scratch
        self.messages = []

    def own(self, user):
        return f"{user}@{self.org}"

    def anyone(self):
        return self.random.choice(self.people)

    def outsider(self):
        return f"{self.random.choice(['buyer', 'orders', 'desk', 'billing', 'support'])}@{self.partner}"

    def subject(self, tag=""):
        words = " ".join(self.random.sample(WORDS, self.random.randint(2, 5))).capitalize()
        return f"{tag} {words} {self.random.randint(100, 999)}".strip()

    def text(self, lines=None):
        lines = lines or self.random.randint(3, 40)
        return "\n".join(" ".join(self.random.choice(WORDS) for _ in range(10)) for _ in range(lines)) + "\n"


class Message:
    """One message and its record in the truth. `recipients` are (address, [what must become of it]) pairs."""

    def __init__(self, rig, scenario, sender, recipients, *, subject=None, body=None, header_from=None,
                 message_id="auto", attachments=(), entity=None, headers=()):
        self.gt_id = f"GT{rig.seed:02d}-{len(rig.messages) + 1:04d}"
        domain = (sender or "x@" + rig.ext).split("@")[-1]
        if message_id == "auto":
            message_id = f"<{self.gt_id.lower()}.{rig.random.getrandbits(40):010x}@{domain}>"
        self.recipients, self.entity = recipients, entity
        self.record = {
            "gt_id": self.gt_id, "scenario": scenario, "envelope_from": sender,
            "header_from": header_from or sender or f"mailer-daemon@{domain}",
            "subject": rig.subject() if subject is None else subject,
            "message_id": message_id, "rcpts": [], "parts": [], "crypto": None,
        }
        self.content = self._compose(headers, rig.text() if body is None else body, attachments)
        rig.messages.append(self.record)

    def _compose(self, headers, body, attachments):
        content = EmailMessage()
        content["From"] = self.record["header_from"]
        content["To"] = ", ".join(address for address, _ in self.recipients)
        content["Subject"] = self.record["subject"]
        content["Date"] = email.utils.formatdate(localtime=False)
        if self.record["message_id"]:
            content["Message-ID"] = self.record["message_id"]
        content["X-GT-ID"] = self.gt_id
        for name, value in headers:
            content[name] = value
        content.set_content(body)
        for filename, kind, data in attachments:
            maintype, subtype = kind.split("/")
            content.add_attachment(data, maintype=maintype, subtype=subtype, filename=filename)
            self.record["parts"].append({
                "filename": filename, "content_type": kind, "size": len(data),
                "sha256": hashlib.sha256(data).hexdigest(),
            })
        return content

    def data(self):
        if self.entity is None:
            return self.content.as_bytes(policy=self.content.policy.clone(linesep="\r\n", max_line_length=78))
        names = ("From", "To", "Subject", "Date", "Message-ID", "X-GT-ID")
        head = "".join(f"{name}: {self.content[name]}\r\n" for name in names if self.content[name])
        return head.encode() + self.entity.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

    def sent(self, at, data, path, **facts):
        utc = datetime.datetime.fromtimestamp(at, datetime.timezone.utc).isoformat(timespec="milliseconds")
        self.record.update(submitted_at=round(at, 3), submitted_at_utc=utc, size=len(data), path=path, **facts)


class Aborted(Exception):
    """The client of a scenario left in the middle of a session, as it was told to."""


class Session:
    """One SMTP session that hands in one message and keeps the server's answers."""

    def __init__(self, message, host, port, client_ip, helo, *, tls=False, auth=None, path="inbound",
                 recipient_options=(), abort=None, declare_size=True):
        self.message, self.path, self.abort = message, path, abort
        self.recipient_options, self.declare_size = list(recipient_options), declare_size
        self.tls, self.auth = tls, auth
        self.facts = {
            "client_ip": client_ip, "helo": helo, "tls": tls, "auth_user": auth[0] if auth else None,
            "first_hop": f"{host}:{port}",
        }
        self.smtp = smtplib.SMTP(host, port, local_hostname=helo, timeout=60, source_address=(client_ip, 0))

    def run(self):
        data, at = self.message.data(), time.time()
        try:
            self._greet()
            if self._log_in():
                self._hand_in(data)
                self.smtp.quit()
        except (smtplib.SMTPServerDisconnected, ConnectionError) as error:
            self.facts["disconnected"] = str(error)
        except Aborted as how:
            self.smtp.sock.close()
            self.facts["aborted"] = str(how)
        self.message.sent(at, data, self.path, **self.facts)

    def _greet(self):
        self.smtp.ehlo()
        if self.tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.smtp.starttls(context=context)
            self.smtp.ehlo()

    def _log_in(self):
        if not self.auth:
            return True
        try:
            self.smtp.login(*self.auth)
            return True
        except smtplib.SMTPAuthenticationError as error:
            self.facts["auth_code"] = error.smtp_code
            self.message.record["rcpts"] = [{"addr": a, "expect": e} for a, e in self.message.recipients]
            return False

    def _hand_in(self, data):
        options = [f"SIZE={len(data)}"] if self.declare_size else []
        code, text = self.smtp.mail(self.message.record["envelope_from"], options)
        self.facts.update(mail_code=code, mail_text=text.decode("utf-8", "replace"))
        taken = self._name_recipients(sender_taken=code == 250)
        if self.abort == "rcpt":
            raise Aborted("closed after RCPT")
        if not taken:
            return
        if self.abort == "data":
            self.smtp.docmd("DATA")
            self.smtp.sock.sendall(data[: len(data) // 2])
            raise Aborted("closed in DATA")
        code, text = self.smtp.data(data)
        text = text.decode("utf-8", "replace")
        self.facts.update(data_code=code, data_text=text, queue_id=queue_id(text))

    def _name_recipients(self, sender_taken):
        taken = 0
        for address, expect in dict(self.message.recipients).items():
            answer = {"addr": address, "smtp_code": self.facts["mail_code"], "expect": expect}
            if sender_taken:
                code, text = self.smtp.rcpt(address, self.recipient_options)
                answer.update(smtp_code=code, smtp_text=text.decode("utf-8", "replace"))
                taken += code == 250
            self.message.record["rcpts"].append(answer)
        return taken


def queue_id(reply):
    """As Postfix, Exim or Sendmail says it."""
    found = re.search(r"queued as (\S+)|\bid=(\S+)|(\w{14}) Message accepted", reply)
    return next(filter(None, found.groups())) if found else None


def inbound(rig, message, client=60, helo=None, **options):
    """From an outside client to edge1."""
    Session(message, rig.edge, 25, f"{rig.net}.{client}", helo or f"out1.{rig.partner}", **options).run()


def submit(rig, message, user, client=70, pc="pc1", password=None, **options):
    """From one of our own people, with TLS and a login, to hub1."""
    auth = (rig.own(user), password or f"rig-{user}")
    Session(message, rig.hub, 587, f"{rig.net}.{client}", f"{pc}.{rig.org}", tls=True, auth=auth, path="submission",
            **options).run()


def pickup(rig, message):
    """By hub1's own sendmail command."""
    data, at = message.data(), time.time()
    message.record["rcpts"] = [{"addr": address, "expect": expect} for address, expect in message.recipients]
    etc = f"{rig.directory}/hub1/etc"
    command = ["/usr/sbin/sendmail", "-C", etc, "-i", "-f", message.record["envelope_from"], "--"]
    subprocess.run(command + [address for address, _ in message.recipients], input=data.replace(b"\r\n", b"\n"),
                   check=True, env={"PATH": os.environ["PATH"], "MAIL_CONFIG": etc})
    message.sent(at, data, "pickup", first_hop="hub1:pickup")


def swaks(rig, message, client=61):
    """From an outside client that is not Python's smtplib."""
    data, at, helo = message.data(), time.time(), f"out2.{rig.partner}"
    path = f"{rig.scratch}/{message.gt_id}.eml"
    with open(path, "wb") as file:
        file.write(data)
    to = ",".join(address for address, _ in message.recipients)
    run = subprocess.run(
        ["swaks", "--server", rig.edge, "--local-interface", f"{rig.net}.{client}", "--ehlo", helo, "--from",
         message.record["envelope_from"], "--to", to, "--data", "@" + path, "--tls-optional"],
        capture_output=True, text=True, timeout=60, check=False)
    code = 250 if run.returncode == 0 else None
    message.record["rcpts"] = [{"addr": a, "smtp_code": code, "expect": e} for a, e in message.recipients]
    message.sent(at, data, "inbound", client_ip=f"{rig.net}.{client}", helo=helo, tool="swaks",
                 tls="TLS started" in run.stdout, queue_id=queue_id(run.stdout), swaks_rc=run.returncode)
