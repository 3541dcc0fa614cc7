"""A small Exim of its own: takes mail on a port of the loopback interface, and delivers a copy of each message into a journal mailbox. Root
starts it. It is unpacked, not installed (rigs/lib/unpack.sh), because Postfix is."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

from programs import TARGET, Failure, free_port, until

EXIM = Path(os.environ.get("EXIM", TARGET.parent / "exim/tree/usr/sbin/exim4"))
# As docs/guides/journal-mailbox.md has it: one copy of each message, however many recipients it has.
CONFIG = """
primary_hostname = mx1.example.org
exim_path = {exim}
exim_user = mail
exim_group = mail
spool_directory = {dir}/spool
log_file_path = {dir}/log/%slog
pid_file_path = {dir}/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
never_users =
# Started anew with a configuration of its own it is no longer root, and needs not be.
deliver_drop_privilege = true
keep_environment =
tls_advertise_hosts =
disable_ipv6 = true
timezone = UTC
message_size_limit = 50M
smtp_accept_max_per_connection = 0
rfc1413_query_timeout = 0s
acl_smtp_rcpt = rcpt
acl_smtp_data = data
begin acl
rcpt:
  accept
data:
  accept
begin routers
journal:
  driver = redirect
  condition = ${{if !eq{{$local_part@$domain}}{{journal@example.org}}}}
  data = journal@example.org
  unseen
  no_verify
mailbox:
  driver = accept
  transport = maildir
begin transports
maildir:
  driver = appendfile
  directory = {dir}/mail/$local_part_data
  maildir_format
  create_directory
  user = mail
  group = mail
begin retry
* * F,1h,5m
"""


class Exim:
    """Takes mail for anybody; `mail/journal` has the copies."""

    def __init__(self, directory):
        self.dir, self.port, self.child = Path(directory), free_port(), None
        for name in ("spool", "log", "mail"):
            (self.dir / name).mkdir(parents=True)
            shutil.chown(self.dir / name, "mail", "mail")
        self.log, self.mail = self.dir / "log/mainlog", self.dir / "mail"
        config = CONFIG.format(exim=EXIM, dir=self.dir, port=self.port)
        # A local part is believed only where something says that it is one.
        config = config.replace("  driver = accept\n  transport = maildir", "  driver = accept\n  local_parts = journal : frontdesk : helpdesk\n  transport = maildir")
        self.config = self.dir / "exim.conf"
        self.config.write_text(config)

    def __enter__(self):
        said = open(self.dir / "said", "wb")
        self.child = subprocess.Popen([EXIM, "-C", self.config, "-bdf", "-q1m"], stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        until(lambda: "exim answers: " + (self.dir / "said").read_text(errors="replace"), self.answers, 20)
        return self

    def __exit__(self, *_):
        self.child.terminate()
        self.child.wait(20)

    def answers(self):
        if self.child.poll() is not None:
            raise Failure("exim ended: " + (self.dir / "said").read_text(errors="replace"))
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def copies(self):
        """File names of the copies, with their flags."""
        folder = self.mail / "journal"
        return [path.name for sub in ("new", "cur") for path in (folder / sub).glob("*")]


def may_start():
    return os.geteuid() == 0 and EXIM.exists()
