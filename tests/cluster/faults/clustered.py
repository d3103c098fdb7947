"""A cluster as faults see it: members of the log and nodes, each a process that is killed, paused and started."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

from tests import postgres
from tests.access.cast import OPERATOR
from tests.access.operators import beside
from tests.api.clients import PASSWORD
from tests.certificates import Authority
from tests.cluster.faults.load import Connection
from tests.cluster.faults.network import Hosts
from tests.cluster.faults.venue import START_S, UNLIMITED, Node, Venue
from tests.etcd import EtcdCluster, EtcdMember
from tests.faults.clocks import WrongClock
from tests.server import RunningServer

NODES = ("a", "b", "c")

T = TypeVar("T")


class Setting(NamedTuple):
    """What a fault needs of a cluster."""

    on_hosts: bool = False  # a network namespace for each node and the member beside it; else all on loopback
    with_clocks: bool = False  # each node goes by a clock that can be set
    log_flags: tuple[str, ...] = ()
    node_options: tuple[str, ...] = ()
    watched: bool = True  # as of `Venue`


class Cluster(Venue):
    """Nodes on a replicated log, which is running already."""

    def __init__(
        self,
        nodes: list[Node],
        log: EtcdCluster,
        hosts: Hosts | None,
        clocks: dict[str, WrongClock],
        *,
        watched: bool,
    ) -> None:
        super().__init__(nodes, watched=watched)
        self.log = log
        self.clocks = clocks
        self._hosts = hosts

    def start(self) -> None:
        """As of any venue, and every node knows the others; on hosts an operator signs in, who may ask for digests."""
        super().start()
        for node in self.nodes:
            _soon(lambda node=node: self._is_complete(node) or None, START_S)  # type: ignore[misc]
        if self._hosts is not None:
            connection = Connection(self.nodes[0].url, START_S)
            status, body = connection.call("POST", "/auth/login", {"name": OPERATOR, "password": PASSWORD})
            connection.close()
            assert status == 200, body
            for node in self.nodes:
                node.headers = {"Authorization": f"Bearer {body['token']}"}

    @property
    def hosts(self) -> Hosts:
        """The hosts on which nodes of the same names run. Raises RuntimeError where all are on loopback."""
        if self._hosts is None:
            raise RuntimeError("this cluster has no hosts")
        return self._hosts

    def writer(self, within_s: float = START_S) -> Node:
        """The node that is the writer now; waits until there is one."""
        return _soon(lambda: next((node for node in self.nodes if self.role(node) == "writer"), None), within_s)

    def follower(self) -> Node:
        """A node that is not the writer."""
        writer = self.writer()
        return next(node for node in self.nodes if node is not writer)

    def leader(self) -> EtcdMember:
        """The member that leads the log now; waits until there is one."""
        return self.log.leader()

    def _is_complete(self, node: Node) -> bool:
        said = node.get("/node")
        return bool(said and {each["name"] for each in said["nodes"]} == {each.name for each in self.nodes})

    def role(self, node: Node) -> str | None:
        """What a node says that it is; None where it does not answer."""
        said = None if node.paused else node.get("/node")
        return said["role"] if said else None


def _soon(find: Callable[[], T | None], within_s: float) -> T:
    deadline = time.monotonic() + within_s
    while (found := find()) is None:
        assert time.monotonic() < deadline, "there is none in time"
        time.sleep(0.02)
    return found


class NodeServer(RunningServer):
    """A node's process, on its host."""

    def __init__(self, data: Path, before: tuple[str, ...], *options: str, environment: dict[str, str]) -> None:
        super().__init__(data, *options, environment=environment)
        self.before = before


@contextmanager
def cluster(folder: Path, setting: Setting, names: Sequence[str] = NODES) -> Iterator[Cluster]:
    """Nodes that take orders, below `folder`, on a log of three members, with PostgreSQL for who is who."""
    with ExitStack() as stack:
        identity = stack.enter_context(postgres.running())
        hosts = stack.enter_context(Hosts(names)) if setting.on_hosts else None
        log, authority = _log(folder / "log", setting, hosts)
        stack.callback(log.close)
        log.start()
        beside(folder, "create", OPERATOR, "--identity-url", identity, *_secret(folder), password=PASSWORD)
        common = _options(folder, log, identity, setting)
        clocks = {name: WrongClock(_made(folder / f"clock-{name}")) for name in names if setting.with_clocks}
        nodes = []
        for name in names:
            host, before = ("127.0.0.1", ()) if hosts is None else (hosts.address(name), hosts.prefix(name))
            options = [
                "--node",
                name,
                "--host",
                host,
                "--allow-remote",
                "--node-listen",
                f"{host}:0",
                *_tls(authority, name),
            ]
            environment = clocks[name].environment if name in clocks else {}
            server = NodeServer(folder / name, before, *common, *options, environment=environment)
            nodes.append(Node(name, server, host))
        yield stack.enter_context(Cluster(nodes, log, hosts, clocks, watched=setting.watched))


def _log(folder: Path, setting: Setting, hosts: Hosts | None) -> tuple[EtcdCluster, Authority | None]:
    if hosts is None:
        return EtcdCluster(folder, len(NODES), None, setting.log_flags), None
    places = [(hosts.address(name), hosts.prefix(name)) for name in hosts.names]
    authority = Authority(folder / "tls", *(address for address, _ in places))
    return EtcdCluster(folder, len(places), authority, setting.log_flags, places), authority


def _options(folder: Path, log: EtcdCluster, identity: str, setting: Setting) -> list[str]:
    """Those that all nodes have."""
    return [*UNLIMITED, "--cluster", log.url, "--identity-url", identity, *_secret(folder), *setting.node_options]


def _secret(folder: Path) -> tuple[str, str]:
    return "--secret-file", str(folder / "secret.key")


def _tls(authority: Authority | None, name: str) -> list[str]:
    if authority is None:
        return []
    certificate, key = authority.issue(f"node-{name}")
    return ["--cluster-ca", str(authority.path), "--cluster-cert", str(certificate), "--cluster-key", str(key)]


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
