"""What a process that follows the server does first: it ends when the server says so, and yields to it."""

from __future__ import annotations

import gc
import json
import os
import socket
import subprocess
import sys

from replica.child_process import GC_THRESHOLDS, NICENESS
from tests.server import ROOT

CHILD = """
import gc, json, os, signal, sys
from replica import child_process

connection = child_process.begin(int(sys.argv[1]))
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    os.kill(os.getpid(), number)  # a terminal sends them to all of its processes
print("somebody else's words", file=sys.stderr)
said = {
    "niceness": os.nice(0),
    "thresholds": gc.get_threshold(),
    "inherited": os.get_inheritable(connection.fileno()),
    "heard": connection.recv(100).decode(),
}
connection.sendall(json.dumps(said).encode())
"""


def test_a_child_hears_its_server_alone_and_yields_to_it() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(60)
        descriptor = theirs.fileno()
        command = [sys.executable, "-W", "ignore", "-c", CHILD, str(descriptor)]
        with subprocess.Popen(command, cwd=ROOT, pass_fds=[descriptor], stderr=subprocess.PIPE, text=True) as child:
            theirs.close()
            ours.sendall(b"go on")
            said = json.loads(ours.recv(1_000) or b"{}")
            _, logged = child.communicate(timeout=60)
    assert child.returncode == 0, logged
    assert said == {
        "niceness": min(19, os.nice(0) + NICENESS),
        "thresholds": list(GC_THRESHOLDS),
        "inherited": False,
        "heard": "go on",
    }
    assert GC_THRESHOLDS[0] > gc.get_threshold()[0]
    (line,) = logged.splitlines()
    assert line.endswith("somebody else's words")
    assert line != "somebody else's words"  # it looks like no record of the server
