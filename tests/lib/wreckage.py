"""What tests/kill breaks, and what it breaks it with: connections, logs, disks, senders of syslog."""

import gzip
import os
import shutil
import socket
import subprocess
import threading
import time

from programs import PATIENCE, Failure


class Proxy:
    """Carries connections to the server, and cuts them when told to."""

    def __init__(self, target):
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.pairs = []
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            try:
                far = socket.create_connection(("127.0.0.1", self.target), timeout=5)
                far.settimeout(None)
            except OSError:
                near.close()
                continue
            with self.lock:
                self.pairs.append((near, far))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=(one, other), daemon=True).start()

    @staticmethod
    def carry(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                end.close()


class Disk:
    """A small disk of its own for a folder, which can be filled up. Where nothing can be mounted, a stand-in for a full one."""

    def __init__(self, folder, size_kb):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k,mode=0755", "vigie-kill", folder]
        try:
            mounted = subprocess.run(mount, capture_output=True, text=True, timeout=PATIENCE)
            self.refused = mounted.stderr.strip() if mounted.returncode else None
        except OSError as error:
            self.refused = str(error)
        self.blocks = []

    @property
    def is_real(self):
        return self.refused is None

    def fill(self):
        """Until not one more byte has room."""
        if not self.is_real:
            # A folder of the name of a file that is written before it is renamed: root heeds no permissions.
            self.blocks = [self.folder / "places.new", self.folder / "places.json.new"]
            for block in self.blocks:
                if block.is_file():
                    block.unlink()
                block.mkdir(exist_ok=True)
            return
        self.blocks = [self.folder / "ballast"]
        with open(self.blocks[0], "ab", buffering=0) as ballast:
            for piece in (65536, 4096, 1):
                try:
                    while True:
                        ballast.write(b"x" * piece)
                except OSError:
                    continue

    def free(self):
        for block in self.blocks:
            if block.is_dir():
                block.rmdir()
            else:
                block.unlink(missing_ok=True)
        self.blocks = []

    def unmount(self):
        if self.is_real:
            subprocess.run(["umount", "--lazy", self.folder], capture_output=True, timeout=PATIENCE)
            self.refused = "unmounted"


class Log:
    """A log that is written and rotated as a mail server's is."""

    def __init__(self, path, text, dice):
        self.path, self.text, self.dice = path, text, dice
        self.written = 0
        self.rotations = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def write(self, share):
        """Appends what brings it to this share of the text, now and then with half a line at the end."""
        until = int(len(self.text) * min(share, 1.0))
        if share < 1.0 and self.dice.random() < 0.7:
            until = self.text.rfind(b"\n", 0, until) + 1
        if until > self.written:
            with open(self.path, "ab") as log:
                log.write(self.text[self.written : until])
            self.written = until

    def end_line(self):
        """A log is rotated between lines."""
        end = self.text.find(b"\n", self.written) + 1 if self.written % len(self.text) else self.written
        if self.written and self.text[self.written - 1 : self.written] != b"\n":
            with open(self.path, "ab") as log:
                log.write(self.text[self.written : end])
            self.written = end

    def rotate(self):
        self.end_line()
        self.rotations += 1
        how = self.dice.choice(["rename", "date", "compress", "copytruncate"])
        rotate(self.path, how, f"202611{self.rotations:02}")
        if how != "copytruncate":
            self.path.touch()
        return how


def rotate(path, how, date):
    """As logrotate does it, but for the new log: that is the writer's."""
    if how == "date":
        path.rename(path.with_name(f"{path.name}-{date}"))
        return
    shift(path)
    first = path.with_name(f"{path.name}.1")
    if how == "copytruncate":
        shutil.copyfile(path, first)
        os.truncate(path, 0)
        return
    path.rename(first)
    # Yesterday's is packed, as `delaycompress` does it.
    second = path.with_name(f"{path.name}.2")
    if how == "compress" and second.exists():
        with open(second, "rb") as plain, gzip.open(f"{second}.gz", "wb") as packed:
            shutil.copyfileobj(plain, packed)
        # The packed file is as old as what it was made of, as gzip and logrotate leave it.
        written = second.stat()
        os.utime(f"{second}.gz", ns=(written.st_atime_ns, written.st_mtime_ns))
        second.unlink()


def shift(path):
    for number in range(9, 0, -1):
        for ending in ("", ".gz"):
            old = path.with_name(f"{path.name}.{number}{ending}")
            if old.exists():
                old.rename(path.with_name(f"{path.name}.{number + 1}{ending}"))


class Sender:
    """Sends a host's log by syslog over TCP.

    Nobody says over TCP what was taken: what lies in a socket when the receiver is killed is lost. So it can be asked whether all that
    was sent lies in the receiver's spool, which is a folder of files of lines (or is stored already): only then may that be killed.
    """

    def __init__(self, port, text, spools):
        self.port, self.text, self.spools = port, text, spools
        self.sent = 0
        self.connection = None

    def connected(self):
        until = time.monotonic() + PATIENCE
        while self.connection is None:
            try:
                self.connection = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
            except OSError as error:
                if time.monotonic() > until:
                    raise Failure(f"nobody takes syslog at port {self.port}: {error}") from None
                time.sleep(0.05)
        return self.connection

    def write(self, share):
        """Sends whole lines, up to this share of the text."""
        until = self.text.rfind(b"\n", 0, int(len(self.text) * min(share, 1.0))) + 1
        if until > self.sent:
            self.connected().sendall(self.text[self.sent : until])
            self.sent = until

    def lines_sent(self):
        return self.text.count(b"\n", 0, self.sent)

    def is_spooled(self):
        """Does a segment of the spool end with the last line that was sent?"""
        last = self.text[self.text.rfind(b"\n", 0, max(self.sent - 1, 0)) + 1 : self.sent]
        for segment in self.spools.glob("*.lines"):
            try:
                if segment.read_bytes().endswith(last):
                    return True
            except FileNotFoundError:
                continue
        return not last

    def hang_up(self):
        """What was sent and not taken may be overtaken by what the next connection brings: ask first."""
        if self.connection:
            self.connection.close()
            self.connection = None
