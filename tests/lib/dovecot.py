"""A small Dovecot of its own: shows one Maildir by IMAP on ports of the loopback interface, in the clear, by STARTTLS and by TLS. Root starts it."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

from programs import Failure, free_port, must, until

DOVECOT = Path("/usr/sbin/dovecot")
CONFIG = """
base_dir = {dir}/run
state_dir = {dir}/run
log_path = {dir}/dovecot.log
protocols = imap
listen = 127.0.0.1
first_valid_uid = 1
disable_plaintext_auth = yes
ssl = yes
ssl_cert = <{dir}/cert.pem
ssl_key = <{dir}/key.pem
auth_failure_delay = 0
mail_location = maildir:{mail}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {dir}/users
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={dir}/home
}}
"""
USER, PASSWORD = "journal@example.org", 'a "secret" \\ of/journal'


class Dovecot:
    """Shows the Maildir `mail` to USER."""

    def __init__(self, directory, mail):
        self.dir, self.mail, self.child = Path(directory), Path(mail), None
        self.port, self.tls_port = free_port(), free_port()
        for name in ("run", "home"):
            (self.dir / name).mkdir(parents=True)
        shutil.chown(self.dir / "home", "mail", "mail")
        self.cert = self.dir / "cert.pem"
        must(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE",
            "-keyout", self.dir / "key.pem", "-out", self.cert,
        )  # fmt: skip
        # A colon ends the password there.
        (self.dir / "users").write_text(f"{USER}:{PASSWORD}::::::\n")
        self.config = self.dir / "dovecot.conf"
        self.config.write_text(CONFIG.format(dir=self.dir, mail=self.mail, port=self.port, tls_port=self.tls_port))

    def __enter__(self):
        said = open(self.dir / "said", "wb")
        self.child = subprocess.Popen([DOVECOT, "-F", "-c", self.config], stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        until(lambda: "dovecot answers: " + self.words(), self.answers, 20)
        return self

    def __exit__(self, *_):
        self.child.terminate()
        self.child.wait(20)

    def words(self):
        return "".join(path.read_text(errors="replace") for path in (self.dir / "said", self.dir / "dovecot.log") if path.exists())

    def answers(self):
        if self.child.poll() is not None:
            raise Failure("dovecot ended: " + self.words())
        try:
            socket.create_connection(("127.0.0.1", self.tls_port), 1).close()
            return True
        except OSError:
            return False


def may_start():
    return os.geteuid() == 0 and DOVECOT.exists() and Path("/usr/lib/dovecot/imap").exists()
