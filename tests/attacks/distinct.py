"""What is different in each request: a server remembers none of it for long. `python -m tests.attacks.distinct`.

Hundreds of thousands of paths, symbols, names of orders, keys, headers, origins and hosts that were never there, each
once. Printed is what the process had of its own memory before, after a tenth and after all of them, how many lines
/metrics had, and what somebody else saw meanwhile.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import click
import msgspec

from benchmarks.machine import describe
from tests.attacks.bystander import Bystander, Figures
from tests.attacks.frames import text, upgraded
from tests.attacks.raw import ATTACKER, Connection, connect, request
from tests.server import RunningServer

AT_ONCE: Final = 50  # on their way over one connection
JSON: Final = {"Content-Type": "application/json"}
OFF_TICK: Final = b'{"symbol":"BTC-USDT","side":"buy","order_type":"limit","quantity":"1","price":"1.00000001",'
CANCEL: Final = b'{"order_id":"1"}'
BBO: Final = "/bbo/BTC-USDT"
OPTIONS: Final = ("--rate-limit", "off")

Send = Callable[[str, range], None]


class Kind(NamedTuple):
    """One thing that differs: the request of each number, and the statuses of its answer."""

    of: Callable[[int], bytes]
    statuses: tuple[int, ...]


KINDS: Final[dict[str, Kind]] = {
    "paths": Kind(lambda n: request("GET", f"/nothing/{n}"), (404,)),
    "queries": Kind(lambda n: request("GET", f"/api/v3/time?x{n}={n}"), (200,)),
    "symbols of books": Kind(lambda n: request("GET", f"/book/X{n}-USDT"), (404,)),
    "symbols of best prices": Kind(lambda n: request("GET", f"/bbo/X{n}-USDT"), (404,)),
    "names of refused orders": Kind(
        lambda n: request("POST", "/order", OFF_TICK + b'"client_order_id":"n%d"}' % n, headers=JSON), (400,)
    ),
    "Idempotency-Keys": Kind(
        lambda n: request("POST", "/cancel", CANCEL, headers=JSON | {"Idempotency-Key": f"k{n}"}), (404, 409)
    ),
    "names and values of headers": Kind(lambda n: request("GET", BBO, headers={f"X-{n}": f"v{n}"}), (200,)),
    "request ids": Kind(lambda n: request("GET", BBO, headers={"X-Request-Id": f"id-{n}"}), (200,)),
    "bearer tokens": Kind(lambda n: request("GET", BBO, headers={"Authorization": f"Bearer t{n}"}), (200, 401)),
    "keys of the second wire": Kind(
        lambda n: request("GET", "/api/v3/account?timestamp=1&signature=00", headers={"X-MBX-APIKEY": f"{n:064x}"}),
        (400, 401),
    ),
    "origins": Kind(lambda n: request("GET", BBO, headers={"Origin": f"https://o{n}.example"}), (200, 403)),
    "hosts": Kind(lambda n: request("GET", BBO).replace(b"Host: 127.0.0.1", b"Host: h%d.example" % n), (421,)),
}


class Memory(NamedTuple):
    """Of one process: its own bytes, and how many lines its /metrics has."""

    uss: int
    lines: int

    @classmethod
    def of(cls, server: RunningServer) -> Memory:
        """As it is now."""
        lines = server.http.call("GET", "/metrics").content.count(b"\n")
        return cls(server.process.memory_full_info().uss, lines)


def send_all(url: str, kind: Kind, numbers: range) -> None:
    """Send a request for each number. Raises AssertionError for an answer of another status."""
    left = iter(numbers)
    while some := [number for _, number in zip(range(AT_ONCE * 20), left, strict=False)]:
        with connect(url, source=ATTACKER, timeout_s=60.0) as connection:
            _exchange(connection, kind, some)


def _exchange(connection: Connection, kind: Kind, numbers: list[int]) -> None:
    for at in range(0, len(numbers), AT_ONCE):
        some = numbers[at : at + AT_ONCE]
        connection.send(b"".join(map(kind.of, some)))
        for _ in some:
            answer = connection.answer(60.0)
            assert answer.status in kind.statuses, answer


def subscribe_all(url: str, numbers: range) -> None:
    """Subscribe to each of as many symbols that there are not, over feeds that each end soon."""
    for at in range(numbers.start, numbers.stop, AT_ONCE):
        with upgraded(url) as connection:
            connection.send(text("40/market,"))
            for number in range(at, min(at + AT_ONCE, numbers.stop)):
                asked = msgspec.json.encode(["subscribe", {"type": "trades", "symbol": f"X{number}-USDT"}]).decode()
                connection.send(text(f"42/market,{number}{asked}"))
            _read_until(connection, f"43/market,{number}".encode())


def _read_until(connection: Connection, mark: bytes) -> None:
    connection.sock.settimeout(60.0)
    received = b""
    while mark not in received:
        piece = connection.sock.recv(65_536)
        assert piece, received[-200:]
        received = received[-len(mark) :] + piece


def attacks() -> Iterator[tuple[str, Send]]:
    """Every kind: its name, and what sends its numbers."""
    for name, kind in KINDS.items():
        yield name, lambda url, numbers, kind=kind: send_all(url, kind, numbers)  # type: ignore[misc]
    yield "symbols of subscriptions", subscribe_all


def grown(server: RunningServer, send: Send, each: int) -> list[Memory]:
    """Before, after a tenth, and after all."""
    found = [Memory.of(server)]
    for numbers in (range(each // 10), range(each // 10, each)):
        send(server.url, numbers)
        found.append(Memory.of(server))
    return found


def in_words(name: str, memory: list[Memory], took_s: float, seen: Figures) -> str:
    """One row of a table."""
    bytes_ = ", ".join(f"{each.uss / 1e6:.1f}" for each in memory)
    lines = ", ".join(str(each.lines) for each in memory)
    return f"| {name} | {bytes_} | {lines} | {took_s:.0f} | {seen} |"


@click.command()
@click.option("--each", default=200_000, show_default=True, help="Requests of each kind.")
@click.option("--only", default=[""], multiple=True, help="Kinds whose name holds this; again and again.")
def main(each: int, only: tuple[str, ...]) -> None:
    """Attack one server with all kinds, one behind the other, and print what it kept."""
    print(describe())
    print(f"| {each:,} of | MB of its own: before, after a tenth, after all | lines of /metrics | s | somebody else |")
    with tempfile.TemporaryDirectory() as folder, RunningServer(Path(folder) / "data", *OPTIONS) as server:
        for name, send in attacks():
            if not any(part in name for part in only):
                continue
            began = time.monotonic()
            with Bystander(server.url) as bystander:
                memory = grown(server, send, each)
            print(in_words(name, memory, time.monotonic() - began, bystander.figures), flush=True)


if __name__ == "__main__":
    main()
