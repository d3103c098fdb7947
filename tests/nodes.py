"""Servers that say that they are nodes of one cluster: see `tests.named_node`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.ports import free_port
from tests.server import RunningServer


class NodeServer(RunningServer):
    """Runs one of `nodes`, urls by name, on the port of its url."""

    def __init__(self, name: str, nodes: dict[str, str], data: Path, *options: str) -> None:
        super().__init__(data, *options)
        listed = ",".join(f"{other}={url}" for other, url in nodes.items())
        self.program = ("-m", "tests.named_node", listed, name)
        self.node_port = int(nodes[name].rpartition(":")[2])

    def start(self, port: int = 0) -> None:
        """Start it where its url says."""
        super().start(port or self.node_port)

    def set_stale(self, stale: bool) -> None:
        """Have it say that what it shows is old, or not any more."""
        mark = self.data / "stale"
        mark.touch() if stale else mark.unlink(missing_ok=True)


@contextmanager
def running_nodes(folder: Path, *names: str, started: int = 9) -> Iterator[dict[str, NodeServer]]:
    """Nodes of these names with one secret and one identity store, of which the first are `started`.

    So a token of one is good at each that is started later: it knows the sessions that there were by then.
    """
    secret = folder / "secret.key"
    nodes = {name: f"http://127.0.0.1:{free_port()}" for name in names}
    servers = {name: NodeServer(name, nodes, folder / name, "--secret-file", str(secret)) for name in names}
    for name in names[1:]:
        (folder / name).mkdir(mode=0o700)
        (folder / name / "identity.sqlite").symlink_to(folder / names[0] / "identity.sqlite")
    with ExitStack() as stack:
        for server in servers.values():
            stack.callback(server.stop)
        for name in names[:started]:
            servers[name].start()
        yield servers
