"""The scheduler of a simulation: an eventlet hub that orders by seed who is ready, and for which time passes by itself.

Nothing sleeps: the clock stands at the moment of whatever comes next. Who is ready at about the same time goes on in
an order that the seed gives. Each timer belongs to a simulated process: one that was killed never runs again, not even
what would be done on the way out.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from typing import Any, Final

import eventlet
import greenlet
from eventlet import hubs
from eventlet.hubs.hub import BaseHub
from eventlet.hubs.timer import Timer

JITTER_NS: Final = 40_000  # within which those who are ready are put in any order
EPOCH_NS: Final = 1_700_000_000 * 10**9  # of the simulated wall clock at the start


class Process:
    """A simulated process: everything that it began ends with it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dead = False
        self.is_paused = False
        self.held: list[Timer] = []  # what would have run while it was paused, oldest first
        self.greenlets: list[Any] = []  # kept, so that none is collected, and unwound by that, while others run
        self._on_death: list[Callable[[], object]] = []

    def on_death(self, call: Callable[[], object]) -> None:
        """Have `call` called when it dies: what the rest of the world notices."""
        self._on_death.append(call)

    def pause(self) -> None:
        """Stop it as SIGSTOP does: time passes, and nothing of it runs."""
        self.is_paused = True

    def resume(self) -> None:
        """Let it go on, with all that came due meanwhile."""
        if self.is_paused:
            self.is_paused = False
            held, self.held = self.held, []
            for timer in held:
                timer.seconds = 0
                hub_here().schedule(self, timer)

    def kill(self) -> None:
        """End it at this very step. Whoever runs in it must not go on afterwards."""
        if not self.dead:
            self.dead = True
            for call in self._on_death:
                call()


class Hub(BaseHub):
    """The hub of one simulation."""

    def __init__(self, rng: random.Random) -> None:
        self.now_ns: int = 0
        super().__init__(clock=lambda: self.now_ns / 1e9)
        self.wall_offset_ns = 0  # what the wall clock is wrong by
        self.turn_ends = 0.0  # how likely a turn of long work is over when somebody asks
        self.world = self.current = Process("world")
        self.steps = 0
        self.after_step: Callable[[], object] = lambda: None
        self.on_exception: Callable[[BaseException], object] = lambda _: None
        self._rng = rng
        self._heap: list[tuple[int, int, Timer, Process]] = []
        self._number = 0

    def add_timer(self, timer: Timer) -> float:
        """Schedule a timer, for the process that runs."""
        return self.schedule(self.current, timer)

    def schedule(self, process: Process, timer: Timer) -> float:
        """Schedule a timer for `process`."""
        due_ns = self.now_ns + max(0, int(timer.seconds * 1e9)) + self._rng.randrange(JITTER_NS)
        self._number += 1
        heappush(self._heap, (due_ns, self._number, timer, process))
        return due_ns / 1e9

    def call(self, process: Process, delay_s: float, call: Callable[..., object], *arguments: Any) -> Timer:
        """Call something later, in `process`; nothing comes of it when that is dead by then."""
        timer = Timer(delay_s, call, *arguments)
        self.schedule(process, timer)
        return timer

    def timer_canceled(self, _timer: Timer) -> None:
        """It is passed over when it comes."""

    def run(self, *_: Any, **__: Any) -> None:
        """Go from step to step until `stop` or until nothing is left to come."""
        heap = self._heap
        while heap and not self.stopping:
            due_ns, _number, timer, process = heappop(heap)
            if timer.called or process.dead:
                continue
            if process.is_paused:
                process.held.append(timer)
                continue
            self.now_ns = max(self.now_ns, due_ns)
            self.current = process
            self.steps += 1
            try:
                timer()
            except Exception as error:  # a bug of whoever ran
                self.on_exception(error)
            self.current = self.world
            self.after_step()

    def stop(self) -> None:
        """End `run` behind this step."""
        self.stopping = True

    # -- the clocks

    def wall_ns(self) -> int:
        """The wall clock, which may be wrong and may go back."""
        return EPOCH_NS + self.now_ns + self.wall_offset_ns

    def reading_s(self) -> float:
        """The clock that measures how long something takes: reading it takes time, now and then a lot."""
        self.now_ns += 3_000_000 if self.turn_ends and self._rng.random() < self.turn_ends else 1_000
        return self.now_ns / 1e9


def hub_here() -> Hub:
    """The hub of the simulation that runs."""
    hub = hubs.get_hub()
    if not isinstance(hub, Hub):
        raise TypeError("no simulation runs")
    return hub


def spawn(process: Process, call: Callable[..., object], *arguments: Any) -> Any:
    """Run something in a greenlet of `process`."""
    hub = hub_here()
    before, hub.current = hub.current, process
    try:
        return eventlet.spawn(call, *arguments)
    finally:
        hub.current = before


def end_here(process: Process) -> None:
    """Kill `process`, in which this is called: whoever runs in it never goes on."""
    process.kill()
    while True:
        hub_here().switch()


@contextmanager
def hub_of(rng: random.Random) -> Iterator[Hub]:
    """A simulated hub in place of this thread's own, and every greenlet that is begun in it ended at the end."""
    local = hubs._threadlocal
    own = {name: getattr(local, name) for name in ("hub", "Hub") if hasattr(local, name)}
    hub = local.hub = Hub(rng)
    begun: list[Any] = []
    spawned = eventlet.spawn

    def spawn_recorded(*arguments: Any, **named: Any) -> Any:
        thread = spawned(*arguments, **named)
        begun.append(thread)
        return thread

    eventlet.spawn = spawn_recorded
    try:
        yield hub
    finally:
        eventlet.spawn = spawned
        hub.stop()
        here = greenlet.getcurrent()
        for thread in begun:
            if not thread.dead:
                thread.parent = here
                thread.throw(greenlet.GreenletExit)
        del local.hub
        for name, value in own.items():
            setattr(local, name, value)
