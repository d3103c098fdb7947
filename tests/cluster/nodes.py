"""Nodes of a cluster as tests have them: real processes over a real etcd, each test's under a name of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from cluster.keys import Keys
from tests.access.cast import appoint
from tests.etcd import EtcdCluster
from tests.server import RunningServer, eventually

_names = itertools.count()


class Nodes:
    """Some nodes of one cluster, by name."""

    def __init__(self, folder: Path, etcd: EtcdCluster) -> None:
        self.cluster = f"nodes-{next(_names)}"
        self.keys = Keys(self.cluster)
        self.etcd = etcd
        self._folder = folder
        self.by_name: dict[str, RunningServer] = {}

    def __getitem__(self, name: str) -> RunningServer:
        return self.by_name[name]

    def make(self, name: str, *options: str) -> RunningServer:
        """A node that does not run yet, on the folder of that name. Users are in a file that all share."""
        certificates: tuple[str, ...] = ()
        if self.etcd.certificates is not None:
            files = self.etcd.certificates
            certificates = ("--cluster-ca", str(files.authority), "--cluster-cert", str(files.certificate))
            certificates += ("--cluster-key", str(files.key))
        server = self.by_name[name] = RunningServer(
            self._folder / name,
            *("--cluster", self.etcd.url, "--cluster-name", self.cluster, "--node", name),
            *("--identity-url", f"sqlite:///{self._folder / 'identity.sqlite'}"),
            *("--secret-file", str(self._folder / "secret.key")),
            *certificates,
            *options,
        )
        return server

    def start(self, name: str, *options: str) -> RunningServer:
        """A node that runs, and takes orders."""
        server = self.by_name.get(name) or self.make(name, *options)
        server.start()
        eventually(lambda: state_of(server)["accepting"])
        return server

    def writer(self) -> RunningServer:
        """The node that writes; waits until one does."""
        found: list[RunningServer] = []

        def one_does() -> bool:
            found.extend(self._writers())
            return bool(found)

        eventually(one_does)
        return found[0]

    def follower(self) -> RunningServer:
        """A node that does not."""
        writer = self.writer()
        return next(server for server in self.by_name.values() if server.runs and server is not writer)

    def _writers(self) -> Iterator[RunningServer]:
        return (server for server in self.by_name.values() if server.runs and state_of(server)["role"] == "writer")

    def kill_all(self) -> None:
        """`kill -9` of all that run."""
        for server in self.by_name.values():
            server.kill()

    def agree(self) -> None:
        """Wait until all that run have come to one state, which their digests say."""

        def do_they() -> bool:
            states = {
                (health["seq"], health["digest"])
                for health in (
                    server.http.get("/health?digest=true") for server in self.by_name.values() if server.runs
                )
            }
            return len(states) == 1

        eventually(do_they)


def state_of(server: RunningServer) -> dict[str, Any]:
    """What a node says of itself."""
    state: dict[str, Any] = server.http.get("/node")
    return state


@contextmanager
def nodes(folder: Path, etcd: EtcdCluster, names: str = "") -> Iterator[Nodes]:
    """Nodes with these names, one letter each, that take orders; ended at the end."""
    appoint(folder)  # an operator, in the folder of the users and of the secret that all share
    made = Nodes(folder, etcd)
    with ExitStack() as stack:
        stack.callback(made.kill_all)
        for name in names:
            made.start(name)
        yield made
