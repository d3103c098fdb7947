"""What a fault is done to: servers that run together, their digests meanwhile, and their journals afterwards.

A server keeps its port and its folder through every kill and start, so a trader finds it where it was.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from api.stopping import EXIT_NOT_CLOSED
from journal.codec import BatchRecord
from tests.cluster.faults.load import Connection
from tests.cluster.faults.records import read_records
from tests.ports import free_port
from tests.server import RunningServer

UNLIMITED = ("--rate-limit", "off", "--login-rate", "off", "--token-minutes", "1000")
ASKED_S = 3.0  # for an answer of GET /health; a server that takes longer is as one that is away
CHILDREN_END_S = 3.0
DIGEST_EVERY_S = 0.25
ENDED = (
    0,
    EXIT_NOT_CLOSED,
)  # as the latter on a machine too busy to close all in time; whether all is there is checked
START_S = 240.0  # for a server to take orders, on a busy machine


class Node:
    """One server: launched, killed, paused, restarted."""

    def __init__(self, name: str, server: RunningServer, host: str = "127.0.0.1", scheme: str = "http") -> None:
        self.name = name
        self.server = server
        self.port = free_port()
        self.url = f"{scheme}://{host}:{self.port}"
        self.paused = False
        self.headers: dict[str, str] = {}  # by which it says its digest to one who asks from another machine

    def launch(self) -> None:
        """Start its process, and return at once."""
        self.server.launch(self.port)

    def kill(self) -> None:
        """`kill -9`; those that it had started end by themselves or, where they are slow to, the same way."""
        children = self.server.process.children(recursive=True)
        self.server.kill()
        self.paused = False
        _, slow = psutil.wait_procs(children, CHILDREN_END_S)
        for child in slow:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(slow)

    def end(self) -> None:
        """Have nothing of it run any more, whatever it does."""
        if self.server.runs:
            self.kill()
        else:
            self.server.stop()

    def restart(self) -> None:
        """End it as an operator would, and start it again at once."""
        assert self.server.stop() == 0, self.server.log
        self.launch()

    def pause(self) -> None:
        """SIGSTOP: the process is there and does nothing."""
        self.server.process.send_signal(signal.SIGSTOP)
        self.paused = True

    def resume(self) -> None:
        """SIGCONT."""
        self.server.process.send_signal(signal.SIGCONT)
        self.paused = False

    def get(self, path: str, timeout_s: float = ASKED_S) -> Any:
        """The body of a GET that is granted; None where there is none in time."""
        connection = Connection(self.url, timeout_s)
        try:
            status, body = connection.call("GET", path, None, self.headers)
        except OSError:
            return None
        finally:
            connection.close()
        return body if status == 200 else None

    def accepts(self) -> bool:
        """Whether it says that it takes orders."""
        health = self.get("/health")
        return bool(health and health["accepting"])


class Venue:
    """Nodes that are started together. A context manager: they are ended at the end, whatever happened."""

    def __init__(self, nodes: list[Node], *, watched: bool = True) -> None:
        """`watched`: ask every server for its digest all the time."""
        self.nodes = nodes
        self._watched = watched
        self.live_digests: dict[str, dict[int, str]] = defaultdict(dict)
        self._watching = threading.Event()
        self._watch = threading.Thread(target=self._note_digests, daemon=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        if self._watched:
            self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def doors(self) -> list[str]:
        """The URL of every server."""
        return [node.url for node in self.nodes]

    def start(self) -> None:
        """Start everything, and return when every server takes orders."""
        for node in self.nodes:
            node.launch()
        self.accepting()

    def end(self) -> None:
        """Kill what still runs."""
        self._end_watch()
        for node in self.nodes:
            node.end()

    def accepting(self, within_s: float = START_S) -> None:
        """Wait until every server says that it takes orders."""
        deadline = time.monotonic() + within_s
        for node in self.nodes:
            while not node.accepts():
                assert not node.server.has_ended, f"{node.name} has ended: {node.server.log[-2_000:]}"
                assert time.monotonic() < deadline, f"{node.name} takes no orders: {node.server.log[-2_000:]}"
                time.sleep(0.05)

    def agreed(self, within_s: float = START_S) -> int:
        """Wait until all servers said one digest at one seq, from now on; that seq. Nobody may trade meanwhile."""
        deadline, said = time.monotonic() + within_s, defaultdict[str, dict[int, str]](dict)
        while True:
            for node in self.nodes:
                health = node.get("/health?digest=true", 5.0)
                if health is not None:
                    said[node.name][health["seq"]] = health["digest"]
            common = set.intersection(*(set(said[node.name]) for node in self.nodes))
            if common:
                seq = max(common)
                found = {name: digests[seq] for name, digests in said.items()}
                assert len(set(found.values())) == 1, f"the nodes differ at seq {seq}: {found}"
                return seq
            assert time.monotonic() < deadline, f"the nodes are at {[sorted(d)[-1:] for d in said.values()]}"
            time.sleep(0.02)

    def journals(self, scratch: Path) -> dict[str, list[BatchRecord]]:
        """Stop every server as an operator would, and read what each has on its disk."""
        self._end_watch()
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            statuses = list(pool.map(lambda node: node.server.stop(), self.nodes))
        for node, status in zip(self.nodes, statuses, strict=True):
            assert status in ENDED, f"{node.name} ended with {status}: {node.server.log[-2_000:]}"
        return {node.name: read_records(node.server.data, scratch / node.name) for node in self.nodes}

    def _end_watch(self) -> None:
        self._watching.set()
        if self._watch.ident is not None:
            self._watch.join(30)

    def _note_digests(self) -> None:
        """Ask each server now and then for the digest of its living state."""
        while not self._watching.wait(DIGEST_EVERY_S):
            for node in self.nodes:
                health = None if node.paused else node.get("/health?digest=true")
                if health is not None and "digest" in health:
                    self.live_digests[node.name][health["seq"]] = health["digest"]


def single(folder: Path, *options: str, watched: bool = True) -> Venue:
    """One server by itself."""
    return Venue([Node("single", RunningServer(folder / "single", *UNLIMITED, *options))], watched=watched)
