"""However many paths, symbols, methods and names are tried, the list of figures stays as short as it is."""

from __future__ import annotations

import random
import socket
import time
from pathlib import Path

from api.metrics.page import KEPT_S
from tests.api.clients import FeedClient
from tests.api.metrics.figures import samples
from tests.server import RunningServer

PATHS = 10_000
AT_ONCE = 200
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "MKCOL", "LOCK")


def drain(connection: socket.socket, answers: int) -> None:
    """Read so many answers."""
    read = b""
    while answers:
        data = connection.recv(2**18)
        assert data, read[-500:]
        read += data
        answers -= read.count(b"HTTP/1.1 ")
        read = read[-8:] if not read.endswith(b"HTTP/1.1 ") else b""


def requests(pick: random.Random) -> list[bytes]:
    """Requests that no route answers, and symbols and orders that there are not."""
    known = ("/book/{0}", "/order/{0}", "/candles/{0}?interval={0}", "/admin/symbols/{0}/orders")
    paths = ("/{0}", "/{0}/{0}", "/metrics/{0}", *known)
    return [
        b"%b %b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        % (pick.choice(METHODS[:5]).encode(), pick.choice(paths).format(pick.randrange(10**9)).encode())
        for _ in range(PATHS)
    ]


def test_ten_thousand_paths_and_names_add_a_few_series(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        time.sleep(KEPT_S)
        pick = random.Random(7)
        with socket.create_connection(("127.0.0.1", server.port), 60) as connection:
            sent = requests(pick)
            for at in range(0, 1_000, AT_ONCE):
                connection.sendall(b"".join(sent[at : at + AT_ONCE]))
                drain(connection, AT_ONCE)
            time.sleep(KEPT_S)
            before = {(each.name, tuple(sorted(each.labels.items()))) for each in samples(server.http)}
            for at in range(1_000, PATHS, AT_ONCE):
                connection.sendall(b"".join(sent[at : at + AT_ONCE]))
                drain(connection, AT_ONCE)
            for method in METHODS:
                connection.sendall(b"%b /none HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % method.encode())
                drain(connection, 1)
        client = FeedClient(server.url)
        for number in range(300):
            client.call(f"event {number}", {"symbol": f"S{number}"})
        client.close()
        time.sleep(KEPT_S)
        after = {(each.name, tuple(sorted(each.labels.items()))) for each in samples(server.http)}
        further = {labels for name, labels in after - before if name.endswith("_count")}
        assert {dict(labels).get("route") for labels in further} <= {"none", "/socket.io/", "/metrics"}
        assert len(after) < 3_000
        assert all(len(value) < 80 for _, labels in after for _, value in labels)
