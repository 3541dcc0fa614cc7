"""A small Postfix of its own: takes mail on a port of the loopback interface and drops it. Root starts it."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from programs import Failure, free_port, must, until

ETC = Path("/etc/postfix")
MAIN = """
compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.example.com
mydestination =
local_recipient_maps =
alias_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
smtpd_client_connection_rate_limit = 0
smtpd_client_connection_count_limit = 0
default_transport = discard:
message_size_limit = 50000000
maillog_file = {dir}/log/mail.log
maillog_file_prefixes = {dir}
"""
MASTER = """
{port}    inet  n - n - 100 smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
proxymap  unix  - - n - - proxymap
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
anvil     unix  - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """`settings` are further lines of main.cf."""

    def __init__(self, directory, settings=""):
        self.dir, self.port = Path(directory), free_port()
        etc = self.dir / "etc"
        for name in ("etc", "queue", "data", "log"):
            (self.dir / name).mkdir(parents=True)
        shutil.chown(self.dir / "data", "postfix")
        for name in ("dynamicmaps.cf", "postfix-files"):
            shutil.copy(ETC / name, etc)
            if (ETC / f"{name}.d").is_dir():
                shutil.copytree(ETC / f"{name}.d", etc / f"{name}.d")
        daemons = must("postconf", "-dh", "daemon_directory").strip()
        (etc / "main.cf").write_text(MAIN.format(dir=self.dir, daemons=daemons) + settings)
        (etc / "master.cf").write_text(MASTER.format(port=self.port))

    def command(self, word):
        # Its daemons must not hold the caller's pipes open.
        with open(self.dir / "log/command.log", "ab") as log:
            done = subprocess.run(["postfix", "-c", self.dir / "etc", word], stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)
        if done.returncode != 0:
            raise Failure(f"postfix {word}: {(self.dir / 'log/command.log').read_text()[-2000:]}")

    def start(self):
        self.command("start")
        until("postfix answers", self.answers)
        return self

    def stop(self):
        self.command("stop")

    def set(self, setting):
        must("postconf", "-c", self.dir / "etc", "-e", setting)
        self.command("reload")
        # Processes that have a client go on as before; new clients get new ones.
        time.sleep(0.5)

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def log(self):
        path = self.dir / "log/mail.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def may_start():
    return os.geteuid() == 0 and ETC.is_dir()
