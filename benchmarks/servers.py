"""The servers that are measured: the venue of this checkout or of an earlier commit, and the bare Flask view.

Each is a process of its own; what it costs is asked of the operating system, its children apart from itself.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tarfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import psutil

from tests.server import environment

ROOT = Path(__file__).resolve().parent.parent
QUIET_SHARE = 0.08  # of a core: a server that takes no more has nothing left to do
QUIET_PERIOD_S = 0.5
QUIET_PATIENCE_S = 60.0
STOP_S = 60
BARE = """
import sys, warnings
warnings.filterwarnings("ignore")
import eventlet, eventlet.wsgi, socket
from flask import Flask, Response, request
app = Flask("bare")
ANSWER = b'{"order_id": "' + b"1" * 700 + b'"}'
@app.post("/order")
def order():
    request.get_data()
    return Response(ANSWER, mimetype="application/json")
listener = eventlet.listen(("127.0.0.1", 0), reuse_port=False)
listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
eventlet.wsgi.server(listener, app, log_output=False)
"""


class Cpu(NamedTuple):
    """Processor time since the start, of all threads, in seconds."""

    server: float
    children: float

    def since(self, earlier: Cpu) -> Cpu:
        """What came after `earlier`."""
        return Cpu(self.server - earlier.server, self.children - earlier.children)


class Memory(NamedTuple):
    """Memory of one process, in MiB."""

    name: str
    rss: float
    uss: float  # what no other process shares


class Server:
    """A process that serves on `port`. A context manager: it is stopped at the end."""

    def __init__(self, command: list[str], folder: Path = ROOT) -> None:
        """Start it. Raises AssertionError when it does not come up."""
        self._process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment({})
        )
        line = self._process.stdout.readline() if self._process.stdout else ""
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        if found is None:
            self.stop()
        assert found is not None, f"{' '.join(command)} in {folder} did not come up"
        self.port = int(found.group(1))
        self.process = psutil.Process(self._process.pid)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask it to end, and wait; kill it when it does not."""
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        finally:
            if self._process.stdout:
                self._process.stdout.close()

    def cpu(self) -> Cpu:
        """What it and its children have taken."""
        return Cpu(_cpu_s(self.process), sum(_cpu_s(child) for child in self.process.children(recursive=True)))

    def cpu_when_quiet(self) -> Cpu:
        """What they have taken when they have nothing left to do, such as rows to write behind the answers.

        Raises AssertionError when they never rest.
        """
        deadline, before = time.monotonic() + QUIET_PATIENCE_S, self.cpu()
        while time.monotonic() < deadline:
            time.sleep(QUIET_PERIOD_S)
            now = self.cpu()
            if sum(now.since(before)) < QUIET_SHARE * QUIET_PERIOD_S:
                return now
            before = now
        raise AssertionError(f"process {self.process.pid} was still busy after {QUIET_PATIENCE_S:.0f} s")

    def memory(self) -> list[Memory]:
        """Of the server first, then of each child."""
        processes = [self.process, *self.process.children(recursive=True)]
        return [_memory(process, "server" if process is self.process else _name(process)) for process in processes]

    def ask(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Any:
        """The decoded body of an answer. Raises HTTPError for a refusal."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            None if body is None else msgspec.json.encode(body),
            {"Content-Type": "application/json"} | (headers or {}),
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - a server of ours
            return msgspec.json.decode(answer.read())


def venue(data: Path, *options: str, folder: Path = ROOT) -> Server:
    """The server of the checkout in `folder`, on a free port, with its journal in `data`."""
    return Server([sys.executable, "api/app.py", "--port", "0", "--data", str(data), *options], folder)


def bare() -> Server:
    """A Flask view behind eventlet.wsgi that answers a constant of the size of an order's answer."""
    return Server([sys.executable, "-c", BARE])


class Trader(NamedTuple):
    """A user with money, and the credentials of their requests."""

    token: str
    key_id: str
    secret: str


@contextmanager
def secured(data: Path, folder: Path = ROOT) -> Iterator[tuple[Server, list[Trader]]]:
    """A server of the profile secured and two traders, since nobody may trade with themselves there.

    Requests are counted as always, only against a limit that nobody reaches.
    """
    options = ("--profile", "secured", "--rate-limit", "10000000/second", "--onramp-limit", "1000000000000")
    with venue(data, *options, folder=folder) as server:
        traders = [_trader(server) for _ in range(2)]
        time.sleep(1.5)  # for the first second after its start it takes no signatures
        yield server, traders


def _trader(server: Server) -> Trader:
    token = server.ask("POST", "/auth/guest")["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    for asset in ("BTC", "USDT"):
        server.ask("POST", "/account/deposit", {"asset": asset, "amount": "900000000000"}, bearer)
    key = server.ask("POST", "/auth/keys", {"label": "benchmark", "scopes": ["read", "trade"]}, bearer)
    return Trader(token, key["key_id"], key["secret"])


def extract(revision: str, folder: Path) -> None:
    """Write the tree of a commit into `folder`. Raises CalledProcessError when git does not know it."""
    archive = subprocess.run(["git", "archive", revision], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def _memory(process: psutil.Process, name: str) -> Memory:
    full = process.memory_full_info()
    return Memory(name, full.rss / 2**20, full.uss / 2**20)


def _name(process: psutil.Process) -> str:
    """What a child runs: the module behind -m, or the last word that is no option."""
    words = process.cmdline()
    if "-m" in words[:-1]:
        return words[words.index("-m") + 1]
    plain = [Path(word).name for word in words[1:] if not word.startswith("-")]
    return plain[0][:40] if plain else process.name()
