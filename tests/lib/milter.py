"""The collector's milter, as a program of its own, with a server that is away: what it tells lies in its spool."""

import base64
import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path

from programs import COLLECTOR, PATIENCE, Failure, free_port, must, until

LINE = re.compile(r"^\S+ (\S+) vigie-milter: (\{.*\})$")


class Milter:
    """`vigie-collector milter`, or `vigie-collector run` with `milter = PLACE` and a log."""

    def __init__(self, directory, log=None):
        self.dir, self.log, self.process = Path(directory), log, None
        self.dir.mkdir()
        self.place = f"inet:127.0.0.1:{free_port()}"
        self.config, self.state = self.dir / "collector.conf", self.dir / "state"
        word = "vigie1." + base64.urlsafe_b64encode(os.urandom(64)).rstrip(b"=").decode()
        # Nobody listens there: a port of the system's own.
        must(COLLECTOR, "enrol", "127.0.0.1:9", word, "--name", "mx", "--config", self.config, "--state", self.state)
        with open(self.config, "a", encoding="utf-8") as config:
            config.write(f"milter = {self.place}\n" + (f"file = {log}\n" if log else ""))

    def start(self):
        words = ["run"] if self.log else ["milter"]
        with open(self.dir / "said", "ab") as said:
            command = [COLLECTOR, *words, "--config", str(self.config)]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        until("the milter answers", self.answers)
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise Failure(f"the milter ended: {(self.dir / 'said').read_text()[-2000:]}")
        try:
            socket.create_connection(("127.0.0.1", int(self.place.rsplit(":", 1)[1])), 1).close()
            return True
        except OSError:
            return False

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait(PATIENCE)

    def hang(self):
        self.process.send_signal(signal.SIGSTOP)
        stat = Path(f"/proc/{self.process.pid}/stat")
        until("it is stopped", lambda: stat.read_text().rsplit(")", 1)[1].split()[0] == "T")

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def lines(self):
        """(host, what is told) of all messages so far."""
        found = []
        for segment in sorted(self.state.glob("spool-milter/*.lines")):
            # The line under way may lack its end.
            for line in segment.read_text(encoding="utf-8").split("\n")[:-1]:
                match = LINE.match(line)
                if not match:
                    raise Failure(f"no line of the milter: {line}")
                found.append((match[1], json.loads(match[2])))
        return found

    def told(self):
        """What is told, by queue id."""
        return {told["queue_id"]: told for _, told in self.lines()}

    def lost(self):
        """Messages of which it says that they are lost, because mail does not wait."""
        said = (self.dir / "said").read_text()
        return sum(int(count) for count in re.findall(r"(\d+) lines were lost before the spool .* mail does not wait", said))

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
