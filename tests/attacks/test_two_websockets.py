"""Plain WebSockets beside Socket.IO: all who read get everything, who does not is closed, and nobody waits for them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.attacks.frames import TEXT, UPGRADE, close_code, frame, text, upgraded
from tests.attacks.raw import Connection, connect, request
from tests.server import RunningServer, eventually

SOCKETS = 30  # of each kind
SLOW = 5  # of these
PING_S = 3
BATCHES = 40
ORDERS = 100  # in one batch
SYMBOL = "BTC-USDT"
STREAM = "/ws/btcusdt@trade/btcusdt@depth@100ms"
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that lets little wait for a client, and soon takes one that does not answer for gone."""
    options = (
        "--feed-queue-bytes",
        "65536",
        "--feed-ping-interval-s",
        str(PING_S),
        "--feed-ping-timeout-s",
        str(PING_S),
    )
    with RunningServer(tmp_path_factory.mktemp("two") / "data", *options) as running:
        yield running


def plain(url: str, receive_buffer: int | None = None) -> Connection:
    """A plain WebSocket that follows."""
    connection = connect(url, receive_buffer=receive_buffer)
    connection.send(request("GET", STREAM, headers=UPGRADE))
    answer = connection.answer()
    assert answer.status == 101, answer
    return connection


class Reader(threading.Thread):
    """Reads all that comes to one connection, and answers its pings."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(daemon=True)
        self.connection = connection
        self.trades: list[int] = []
        self.last_seq = 0
        self.gaps = 0
        self.closed = False

    def run(self) -> None:
        buffer = bytearray()
        self.connection.sock.settimeout(60)
        while True:
            try:
                piece = self.connection.sock.recv(65_536)
            except OSError:
                piece = b""
            if not piece:
                self.closed = True
                return
            buffer += piece
            while self._take_frame(buffer):
                pass

    def _take_frame(self, buffer: bytearray) -> bool:
        if len(buffer) < 4:
            return False
        length, head = buffer[1], 2
        if length == 126:
            length, head = int.from_bytes(buffer[2:4]), 4
        if len(buffer) < head + length:
            return False
        opcode, payload = buffer[0] & 15, bytes(buffer[head : head + length])
        del buffer[: head + length]
        if opcode == 9:
            self.connection.send(frame(10, payload))
        elif opcode == TEXT and payload.startswith(b"{"):
            self._take(json.loads(payload))
        elif payload == b"2":
            self.connection.send(text("3"))
        elif payload.startswith(b"42/market,"):
            event, data = json.loads(payload[len("42/market,") :])
            if event == "trade":
                self.trades.append(int(data["trade_id"]))
        return True

    def _take(self, message: dict[str, int | str]) -> None:
        if message["e"] == "trade":
            self.trades.append(int(message["t"]))
        else:
            self.gaps += self.last_seq not in (0, int(message["U"]) - 1)
            self.last_seq = int(message["u"])


def feed(url: str, receive_buffer: int | None = None) -> Connection:
    """A WebSocket of Socket.IO that follows."""
    connection = upgraded(url, source=None, receive_buffer=receive_buffer)
    connection.send(text("40/market,"))
    connection.send(text(f'42/market,["subscribe",{{"type":"trades","symbol":"{SYMBOL}"}}]'))
    return connection


def trade(venue: RunningServer) -> int:
    """Trade in large batches; how many trades there were."""
    trades = 0
    for number in range(BATCHES):
        side = ("buy", "sell")[number % 2]
        order = {"symbol": SYMBOL, "side": side, "order_type": "limit", "quantity": "0.01", "price": "30000.00"}
        entered = venue.http.post("/orders/batch", {"orders": [order] * ORDERS}).granted()
        trades += sum(result["body"]["status"] == "filled" for result in entered["results"])
    return trades


def test_both_kinds_are_served_alike_while_some_of_each_do_not_read(venue: RunningServer) -> None:
    before, descriptors = venue.process.memory_info().rss, venue.process.num_fds()
    with ExitStack() as stack:
        slow = [stack.enter_context(kind(venue.url, 4_096)) for kind in (plain, feed) for _ in range(SLOW)]
        readers = [
            Reader(stack.enter_context(kind(venue.url))) for kind in (plain, feed) for _ in range(SOCKETS - SLOW)
        ]
        for reader in readers:
            reader.start()
        eventually(lambda: venue.http.call("GET", "/health").json["connections"] == SOCKETS, 20)
        expected = trade(venue)
        assert expected > BATCHES * ORDERS // 3
        eventually(lambda: all(len(reader.trades) >= expected for reader in readers), 40)
        assert {len(reader.trades) for reader in readers} == {expected}
        assert {tuple(reader.trades) for reader in readers} == {tuple(sorted(readers[0].trades))}
        assert sum(reader.gaps for reader in readers) == 0
        assert not any(reader.closed for reader in readers)
        eventually(lambda: venue.process.num_fds() <= descriptors + len(readers) + 8, 4 * PING_S + 10)
        assert venue.process.memory_info().rss - before < 64 * MEBIBYTE
        assert len(slow) == 2 * SLOW
    eventually(lambda: venue.process.num_fds() <= descriptors + 8, 10)
    assert "Traceback" not in venue.log


def test_who_answers_no_ping_is_closed(venue: RunningServer) -> None:
    with plain(venue.url) as silent:
        assert close_code(silent, 4 * PING_S) == 1008


BROKEN = {
    "a frame that is not masked": (frame(TEXT, b"{}", masked=False), 1002),
    "a message beyond 64 KiB": (frame(TEXT, bytes(65 * 1024)), 1009),
    "text that is no UTF-8": (frame(TEXT, b"\xff\xfe"), 1007),
    "fragments without end": (frame(TEXT, b"x", fin=False) + frame(0, b"x", fin=False) * 2_000, 1008),
    "pings without end": (frame(9, b"x" * 125) * 500, 1008),
}


@pytest.mark.parametrize(("sent", "code"), BROKEN.values(), ids=BROKEN)
def test_who_breaks_the_protocol_is_closed_with_its_code(venue: RunningServer, sent: bytes, code: int) -> None:
    with plain(venue.url) as attacker:
        with suppress(OSError):
            attacker.send(sent)
        assert close_code(attacker) == code
