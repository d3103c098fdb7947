"""Servers with two front doors, each of which listens by itself as well."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPException
from pathlib import Path

from tests.ports import free_port
from tests.server import Http, RunningServer


def server_with_doors(data: Path, *options: str, environment: dict[str, str] | None = None) -> RunningServer:
    """A server with two front doors, which is to be started."""
    doors = ("--front-doors", "2", "--trusted-proxies", "127.0.0.1", "--door-port", str(free_port(2)))
    return RunningServer(data, *options, *doors, environment=environment)


def first_port(server: RunningServer) -> int:
    """Where the first door listens by itself; the second on the next."""
    return int(server.options[-1])


@contextmanager
def each_door(server: RunningServer, source: str = "127.0.0.1") -> Iterator[tuple[Http, Http]]:
    """A connection to each of the two."""
    first = first_port(server)
    one, other = (Http(f"http://127.0.0.1:{port}", source) for port in (first, first + 1))
    with closing(one), closing(other):
        yield one, other


class Load:
    """Threads that enter orders at the shared port until they get no more answers; they remember which were taken."""

    def __init__(self, server: RunningServer, name: str, threads: int = 4) -> None:
        self.acknowledged: set[str] = set()
        self._url, self._name = server.url, name
        self._threads = [threading.Thread(target=self._enter, args=(number,)) for number in range(threads)]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Wait for their end."""
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def _enter(self, number: int) -> None:
        with closing(Http(self._url)) as http:
            for turn in range(100_000):
                name = f"{self._name}-{number}-{turn}"
                body = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.01", "price": "1.00"}
                try:
                    answer = http.post("/order", body | {"client_order_id": name})
                except (OSError, HTTPException):
                    return
                if answer.status != 200:
                    return
                self.acknowledged.add(name)


def open_names(server: RunningServer) -> set[str]:
    """The client order ids of all open orders of whoever asks."""
    names: set[str] = set()
    cursor = ""
    while True:
        page = server.http.get(f"/orders?status=open&limit=1000{cursor}")
        names |= {order["client_order_id"] for order in page["orders"]}
        if page.get("next_cursor") is None:
            return names
        cursor = f"&cursor={page['next_cursor']}"
