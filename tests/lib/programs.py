"""What the test programs share: where Vigie's programs are, what a failure is, how to wait, and how a collector is enrolled."""

import os
import random
import socket
import subprocess
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", TOP / "target")) / "release"
VIGIE = os.environ.get("VIGIE", str(TARGET / "vigie"))
COLLECTOR = os.environ.get("VIGIE_COLLECTOR", str(TARGET / "vigie-collector"))
CORPUS = TOP / "testdata/postfix-chain/iso-long"
# Longer than anything here takes.
PATIENCE = 120


class Failure(Exception):
    """What went wrong."""


def until(what, is_so, patience=PATIENCE):
    """Waits for it; `what` may be a function that tells it as it is then."""
    end = time.monotonic() + patience
    while not (answer := is_so()):
        if time.monotonic() > end:
            raise Failure(f"waited in vain: {what() if callable(what) else what}")
        time.sleep(0.02)
    return answer


def free_port():
    """Free for TCP and UDP, and not one that the system gives to outgoing connections: while its owner is down, nobody else may get it."""
    while True:
        port = random.SystemRandom().randrange(20000, 30000)
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def must(*command):
    """Runs a program that has to succeed, and gives what it wrote."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise Failure(f"{' '.join(words)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def enrol(data, name, server, config, state):
    """As docs/guides/collectors.md has it: one command at the server, and the line that it prints at the collector."""
    words = must(VIGIE, "collectors", "--quiet", "--data", data, "add", name, "--server", server).split()
    must(COLLECTOR, "enrol", words[2], words[3], "--name", name, "--config", config, "--state", state)
