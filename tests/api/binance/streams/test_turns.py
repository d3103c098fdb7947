"""Who follows many streams at once works on them in the turns of its address, however many sockets it has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.binance.errors import BinanceError
from api.binance.streams.channels import Follower
from api.binance.streams.control import StreamControl
from api.binance.streams.outbox import Outbox
from api.binance.streams.sockets import StreamSocket
from api.http.front.flusher import Flusher

NAMES = [f"s{number}@trade" for number in range(5)]


class Connection:
    """A WebSocket whose client's address waits for its turn, and gets it at once."""

    ended = False

    def __init__(self, log: list[str]) -> None:
        self._log = log

    def take_turn(self) -> None:
        self._log.append("turn")


class Channels:
    """Streams of every name, some of which end before they are joined."""

    def __init__(self, log: list[str], *ended: str) -> None:
        self._log = log
        self.ended = ended

    def exists(self, name: str) -> bool:
        self._log.append(f"exists {name}")
        return True

    def join(self, follower: Follower, name: str) -> None:
        self._log.append(f"join {name}")
        if name in self.ended:
            raise BinanceError(2, "Invalid request: invalid stream")


def subscribed(*ended: str) -> list[str]:
    """What happens when a client subscribes to all streams, of which some end meanwhile."""
    log: list[str] = []
    connection: Any = Connection(log)
    faults: Any = None  # of none is asked here
    socket = StreamSocket(connection, Outbox(Flusher[bytes](), connection, 65_536), "192.0.2.1", faults)
    control = StreamControl(Follower(socket, combined=False), Channels(log, *ended))
    control.receive(json.dumps({"method": "SUBSCRIBE", "params": NAMES, "id": 1}))
    return log


def test_between_two_long_turns_of_subscribing_it_is_the_turn_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loop.turns.TURN_S", 0.0)
    log = subscribed()
    expected = [step for what in ("exists", "join") for name in NAMES for step in (f"{what} {name}", "turn")]
    assert log == expected


def test_a_stream_that_ends_before_it_is_joined_is_left_out() -> None:
    log = subscribed(NAMES[1])
    assert [step for step in log if step.startswith("join")] == [f"join {name}" for name in NAMES]
