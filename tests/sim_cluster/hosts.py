"""Three machines and the network between them: which can reach which, and how late, at every moment.

A message from one host to another is lost where the way in that direction is cut, when it is sent or when it comes.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.sim.hub import Process, hub_here

HOSTS = 3
LOCAL_DELAY_S = 0.000_2


class Hosts:
    """The ways between hosts 0 to 2."""

    def __init__(self, rng: random.Random, fault: Callable[[str], object]) -> None:
        self.delay_s = 0.002  # at most, of a message that nothing happens to
        self.lose = 0.0  # how likely a message is lost
        self.late = 0.0  # how likely a message is late
        self.late_s = 1.0  # at most
        self._rng = rng
        self._fault = fault
        self._cut: set[tuple[int, int]] = set()
        self._changed: list[Callable[[], object]] = []

    def on_change(self, call: Callable[[], object]) -> None:
        """Have `call` called when a way was cut or healed."""
        self._changed.append(call)

    def cut(self, ways: list[tuple[int, int]]) -> None:
        """Cut these ways, each in its direction alone."""
        self._cut.update(ways)
        self._call()

    def heal(self) -> None:
        """Let everything through again."""
        self._cut.clear()
        self._call()

    def reaches(self, origin: int, target: int) -> bool:
        """Whether a message may come from one to the other just now."""
        return origin == target or (origin, target) not in self._cut

    def connected(self, one: int, other: int) -> bool:
        """Whether both directions work."""
        return self.reaches(one, other) and self.reaches(other, one)

    def send(self, origin: int, target: int, process: Process, call: Callable[..., object], *arguments: object) -> bool:
        """Have `call` called in `process` when the message has come; whether it was sent at all."""
        if not self.reaches(origin, target):
            return False
        if origin != target and self.lose and self._rng.random() < self.lose:
            self._fault("lost message")
            return True
        delay_s = self._rng.random() * (LOCAL_DELAY_S if origin == target else self.delay_s)
        if origin != target and self.late and self._rng.random() < self.late:
            self._fault("late message")
            delay_s += self._rng.random() * self.late_s
        hub = hub_here()
        hub.call(hub.world, delay_s, self._arrive, origin, target, process, call, arguments)
        return True

    def _arrive(
        self, origin: int, target: int, process: Process, call: Callable[..., object], arguments: tuple[object, ...]
    ) -> None:
        if self.reaches(origin, target):
            hub_here().call(process, 0, call, *arguments)

    def _call(self) -> None:
        for call in self._changed:
            call()
