"""WebSocket frames as an attacker writes them: any bits, any length, any number of them."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from tests.attacks.bystander import watched
from tests.attacks.raw import ATTACKER, Connection, connect, request
from tests.server import RunningServer

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Version": "13",
}
TARGET = "/socket.io/?EIO=4&transport=websocket"
MASK = b"\x9a\x07\xe1\x5c"


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    masked: bool = True,
    declared: int | None = None,
) -> bytes:
    """One frame; `declared`: the length that it says it has."""
    length = len(payload) if declared is None else declared
    bit = 0x80 if masked else 0
    if length < 126:
        head = bytes([bit | length])
    elif length < 65_536:
        head = bytes([bit | 126]) + struct.pack("!H", length)
    else:
        head = bytes([bit | 127]) + struct.pack("!Q", length)
    if masked:
        whole = int.from_bytes((MASK * (len(payload) // 4 + 1))[: len(payload)])
        payload = MASK + (int.from_bytes(payload) ^ whole).to_bytes(len(payload))
    return bytes([(0x80 if fin else 0) | rsv << 4 | opcode]) + head + payload


def text(packet: str) -> bytes:
    """A packet of Engine.IO in one frame."""
    return frame(TEXT, packet.encode())


def upgraded(url: str, *, source: str | None = ATTACKER, receive_buffer: int | None = None) -> Connection:
    """A connection that speaks frames from now on."""
    connection = connect(url, source=source, receive_buffer=receive_buffer)
    connection.send(request("GET", TARGET, headers=UPGRADE))
    answer = connection.answer()
    assert answer.status == 101, answer
    return connection


def close_code(connection: Connection, within_s: float = 20.0) -> int | None:
    """The code of the close frame that comes; None when the connection ends without one. What comes before is read."""
    connection.sock.settimeout(within_s)
    received = b""
    with suppress(ConnectionError):
        while piece := connection.sock.recv(65_536):
            received += piece
    at = 0
    while at + 2 <= len(received):
        opcode, length, at = received[at] & 15, received[at + 1], at + 2
        if length == 126:
            (length,), at = struct.unpack("!H", received[at : at + 2]), at + 2
        elif length == 127:
            (length,), at = struct.unpack("!Q", received[at : at + 8]), at + 8
        if opcode == CLOSE:
            return int.from_bytes(received[at : at + 2])
        at += length
    return None


def flood_frames(url: str, pieces: list[bytes], seconds: float, *, joined: bool = False) -> int:
    """Send each of `pieces` over a connection of its own, over and over, and come back when it ends. Bytes sent."""
    deadline = time.monotonic() + seconds
    sent = [0] * len(pieces)

    def attack(number: int) -> None:
        piece = memoryview(pieces[number])
        while time.monotonic() < deadline:
            with suppress(OSError, AssertionError, EOFError), upgraded(url) as connection:
                if joined:
                    connection.send(text("40/market,"))
                connection.sock.settimeout(0.2)
                at = 0
                while time.monotonic() < deadline:
                    with suppress(TimeoutError):
                        taken = connection.sock.send(piece[at:])
                        sent[number] += taken
                        at = (at + taken) % len(piece)

    run_together([lambda number=number: attack(number) for number in range(len(pieces))])  # type: ignore[misc]
    return sum(sent)


def assert_answered(venue: RunningServer, attack: Callable[[], object], p50_ms: float, tries: int = 3) -> None:
    """While `attack` runs, others are answered, every other one within `p50_ms`. The best of `tries` counts.

    They may be later by as much as others who keep this machine busy make the server wait for a processor.
    """
    seen = []
    for _ in range(tries):
        during = watched(venue.url, attack)
        seen.append(str(during))
        if during.failures == 0 and during.p50_ms <= during.slowness * p50_ms + during.own_ms:
            return
    raise AssertionError("; ".join(seen))


def run_together(attacks: list[Callable[[], None]]) -> None:
    """Run each in a thread of its own until all have ended."""
    threads = [threading.Thread(target=attack, daemon=True) for attack in attacks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def feed_messages(url: str, seconds: float, count: int = 150) -> int:
    """So many clients of one address that all subscribe at once, again and again; how many messages were sent."""
    joined = text("40/market,")
    wanted = text('42/market,1["subscribe",{"type":"l2_deltas","symbol":"BTC-USDT"}]')
    connections = [upgraded(url) for _ in range(count)]
    deadline, sent = time.monotonic() + seconds, 0
    for connection in connections:
        connection.send(joined)
        connection.sock.setblocking(False)
    while time.monotonic() < deadline:
        for connection in connections:
            with suppress(OSError):
                connection.sock.send(wanted)
                sent += 1
            with suppress(OSError):
                connection.sock.recv(65_536)
        time.sleep(0.2)
    for connection in connections:
        connection.close()
    return sent
