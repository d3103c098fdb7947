"""What lies between clients and the front door: requests and answers come late, twice, or not at all.

A connection carries a client's requests; it breaks when the server dies, and now and then by itself. What was on its
way is gone then, and the client knows no more than that.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from tests.sim.hub import Process, hub_here
from tests.sim.machine import Signal


class NetworkFaults(msgspec.Struct):
    """How likely each fault is to each message. All 0: only the delay."""

    delay_s: float = 0.002  # at most
    lose_request: float = 0.0
    lose_answer: float = 0.0
    repeat_request: float = 0.0
    cut: float = 0.0


class Request(NamedTuple):
    """One try of a client."""

    number: int
    account: int
    client: str
    kind: str  # enter, cancel, amend, ask, batch
    key: str  # the client order id or the order id that it is about
    body: bytes
    may_repeat: bool  # whether it may come twice without harm


class Answer(NamedTuple):
    """What the server said to a request."""

    request: Request
    status: int
    body: bytes
    applied_before: int  # the newest command that was applied when the request came
    applied: int  # and when it was answered


Handler = Callable[[Request], None]


class Network:
    """Between all clients and whoever serves just now."""

    def __init__(self, rng: random.Random, on_fault: Callable[[str], object]) -> None:
        self.faults = NetworkFaults()
        self.serving: tuple[Process, Handler] | None = None
        self._rng = rng
        self._on_fault = on_fault
        self._waiting: dict[int, tuple[Signal, list[tuple[int, bytes] | None]]] = {}

    def ask(self, request: Request, patience_s: float) -> tuple[int, bytes] | None:
        """Send a request and wait for its answer; None: none came, and what became of it is not known."""
        hub = hub_here()
        signal, answers = Signal(), list[tuple[int, bytes] | None]()
        self._waiting[request.number] = signal, answers
        if self._happens(self.faults.lose_request, "lost request"):
            pass
        else:
            hub.call(hub.world, self._delay_s(), self._arrive, request)
            if request.may_repeat and self._happens(self.faults.repeat_request, "request that came twice"):
                hub.call(hub.world, self._delay_s() * 3, self._arrive, request)
        if self._happens(self.faults.cut, "connection that broke"):
            hub.call(hub.world, self._delay_s() * 2, self._cut, request)
        until_ns = hub.now_ns + int(patience_s * 1e9)
        while not answers and hub.now_ns < until_ns:
            signal.wait((until_ns - hub.now_ns) / 1e9)
        del self._waiting[request.number]
        return answers[0] if answers else None

    def answer(self, request: Request, status: int, body: bytes) -> None:
        """Send an answer back, from the server."""
        if self._happens(self.faults.lose_answer, "lost answer"):
            return
        hub = hub_here()
        hub.call(hub.world, self._delay_s(), self._deliver, request, (status, body))

    def server_died(self) -> None:
        """Every connection breaks: whoever waits knows nothing of what it asked for."""
        hub = hub_here()
        for number in self._waiting:
            hub.call(hub.world, self._delay_s(), self._break, number)

    def _break(self, number: int) -> None:
        if number in self._waiting:
            self._waiting[number][1].append(None)
            self._waiting[number][0].notify()

    def _arrive(self, request: Request) -> None:
        """A request comes to the server's address."""
        if self.serving is None or self.serving[0].dead:
            self._deliver(request, None)  # refused at once
            return
        process, handle = self.serving
        hub_here().call(process, 0, handle, request)

    def _cut(self, request: Request) -> None:
        self._deliver(request, None)

    def _deliver(self, request: Request, answer: tuple[int, bytes] | None) -> None:
        waiting = self._waiting.get(request.number)
        if waiting is not None:
            waiting[1].append(answer)
            waiting[0].notify()

    def _delay_s(self) -> float:
        return self._rng.random() * self.faults.delay_s

    def _happens(self, chance: float, fault: str) -> bool:
        if not chance or self._rng.random() >= chance:
            return False
        self._on_fault(fault)
        return True


def errors_of(answer: tuple[int, bytes]) -> Any:
    """The error code of an answer; None where it is none."""
    return msgspec.json.decode(answer[1]).get("error_code") if answer[0] != 200 else None
