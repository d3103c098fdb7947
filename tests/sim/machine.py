"""What the product takes from its machine, simulated: threads, queues, the bridge, events, clocks, descriptors to poll.

Threads are greenlets of the simulated hub. They change places only where a real thread waits, which is enough: between
two waits the product shares nothing but what its docstrings say is atomic. `installed` puts it all in the place of the
real things, in the modules that run in a simulation and nowhere else.
"""

from __future__ import annotations

import contextlib
import importlib
import random
import select as real_select
from collections import deque
from collections.abc import Callable, Iterator
from queue import Empty
from types import SimpleNamespace
from typing import Any, Final
from unittest import mock

from greenlet import getcurrent

from tests.sim.hub import Hub, Process, hub_here, spawn

HANDOVER_S: Final = 0.000_2  # at most, until a thread notices what another one did


class Signal:
    """Wakes who waits, as often as it is notified or less. A wake-up may be for nothing: check again."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Any, Process]] = []

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait for a notification, for so many seconds at most."""
        hub = hub_here()
        entry = (getcurrent(), hub.current)
        self._waiting.append(entry)
        if timeout_s is not None:
            hub.call(hub.current, timeout_s, self._wake, entry)
        hub.switch()

    def notify(self) -> None:
        """Wake all who wait, each in its own process and a moment later."""
        hub = hub_here()
        for entry in self._waiting:
            hub.call(entry[1], 0, self._wake, entry)

    def _wake(self, entry: tuple[Any, Process]) -> None:
        if entry in self._waiting:
            self._waiting.remove(entry)
            entry[0].switch()


class Queue:
    """`queue.SimpleQueue`."""

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._signal = Signal()

    def put(self, item: Any) -> None:
        """Add one. Never waits."""
        self._items.append(item)
        self._signal.notify()

    def get(self, *, timeout: float | None = None) -> Any:
        """Take the oldest, once there is one. Raises Empty."""
        hub = hub_here()
        until_ns = None if timeout is None else hub.now_ns + int(timeout * 1e9)
        while not self._items:
            if until_ns is not None and hub.now_ns >= until_ns:
                raise Empty
            self._signal.wait(None if until_ns is None else (until_ns - hub.now_ns) / 1e9)
        return self._items.popleft()


class Event:
    """`threading.Event`."""

    def __init__(self) -> None:
        self._is_set = False
        self._signal = Signal()

    def set(self) -> None:
        """Let all go on who wait."""
        self._is_set = True
        self._signal.notify()

    def clear(self) -> None:
        """Have who comes to wait wait again."""
        self._is_set = False

    def is_set(self) -> bool:
        """Whether it was set."""
        return self._is_set

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, at most so many seconds; whether it is."""
        hub = hub_here()
        until_ns = None if timeout is None else hub.now_ns + int(timeout * 1e9)
        while not self._is_set and (until_ns is None or hub.now_ns < until_ns):
            self._signal.wait(None if until_ns is None else (until_ns - hub.now_ns) / 1e9)
        return self._is_set


class Thread:
    """`threading.Thread`, of the process that makes it."""

    def __init__(
        self,
        target: Callable[..., object],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        name: str = "",
        daemon: bool | None = None,
    ) -> None:
        self.name, self.daemon = name, daemon
        self._call = target, args, kwargs or {}
        self._ended = Event()
        self._started = False

    def start(self) -> None:
        """Run it."""
        self._started = True
        spawn(hub_here().current, self._run)

    def join(self, timeout: float | None = None) -> None:
        """Wait until it ends. Others run meanwhile."""
        self._ended.wait(timeout)

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._started and not self._ended.is_set()

    def _run(self) -> None:
        target, args, kwargs = self._call
        try:
            target(*args, **kwargs)
        finally:
            self._ended.set()


class Bridge:
    """`loop.bridge.Bridge`: callbacks from threads, run by the hub a moment later and in order."""

    def __init__(self) -> None:
        self._posted: deque[Callable[[], object]] = deque()
        self._process = hub_here().current

    def open(self) -> None:
        """Nothing is to be opened."""

    def post(self, callback: Callable[[], object]) -> None:
        """Have it called by the hub."""
        self._posted.append(callback)
        hub_here().call(self._process, HANDOVER_S, self._drain)

    def close(self) -> None:
        """Call what was posted."""
        self._drain()

    def _drain(self) -> None:
        while self._posted:
            self._posted.popleft()()


class Wake:
    """`replica.wake.Wake`."""

    def __init__(self) -> None:
        self._is_set = False
        self.watchers: list[Signal] = []

    def fileno(self) -> int:
        """What stands for it in what `poll` returns."""
        return id(self)

    def ready(self, mask: int) -> int:
        """Of these events, those that hold."""
        return mask & real_select.POLLIN if self._is_set else 0

    def set(self) -> None:
        """Make it readable."""
        if not self._is_set:
            self._is_set = True
            for watcher in self.watchers:
                watcher.notify()

    def clear(self) -> None:
        """Make it wait for the next `set`."""
        self._is_set = False

    def close(self) -> None:
        """Nothing is to be closed."""


class Poll:
    """`select.poll` over what is simulated: each has `ready(mask)` and `watchers`."""

    def __init__(self) -> None:
        self._masks: dict[int, tuple[Any, int]] = {}
        self._signal = Signal()

    def register(self, polled: Any, mask: int) -> None:
        """Watch `polled`."""
        self._masks[polled.fileno()] = polled, mask
        polled.watchers.append(self._signal)

    def modify(self, polled: Any, mask: int) -> None:
        """Watch it for other events."""
        self._masks[polled.fileno()] = polled, mask

    def poll(self, timeout_ms: float | None = None) -> list[tuple[int, int]]:
        """What holds, once something does or so many milliseconds have passed."""
        hub = hub_here()
        until_ns = None if timeout_ms is None else hub.now_ns + int(timeout_ms * 1e6)
        while True:
            found = [(number, ready) for number, (polled, mask) in self._masks.items() if (ready := polled.ready(mask))]
            if found or (until_ns is not None and hub.now_ns >= until_ns):
                return found
            self._signal.wait(None if until_ns is None else (until_ns - hub.now_ns) / 1e9)


class Time:
    """The module `time`."""

    def __init__(self, hub: Hub) -> None:
        self.time_ns = hub.wall_ns
        self.monotonic = hub.reading_s
        self.perf_counter = hub.reading_s
        self.sleep = sleep

    def time(self) -> float:
        """Epoch seconds."""
        return float(self.time_ns()) / 1e9


class Secrets:
    """The module `secrets`, by seed: what it gives stands in answers."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def token_hex(self, size: int) -> str:
        """So many bytes as hex."""
        return self._rng.randbytes(size).hex()

    def token_bytes(self, size: int) -> bytes:
        """So many bytes."""
        return self._rng.randbytes(size)


def sleep(seconds: float) -> None:
    """Let time pass. Others run meanwhile."""
    hub = hub_here()
    hub.call(hub.current, seconds, getcurrent().switch)
    hub.switch()


@contextlib.contextmanager
def installed(hub: Hub, rng: random.Random) -> Iterator[None]:
    """The simulated machine in the place of the real one."""
    threads = SimpleNamespace(Thread=Thread, Event=Event, Lock=contextlib.nullcontext, local=SimpleNamespace)
    select = SimpleNamespace(
        poll=Poll, **{name: getattr(real_select, name) for name in ("POLLIN", "POLLOUT", "POLLRDHUP")}
    )
    clock = Time(hub)
    places: dict[str, object] = {
        "journal.committer.threading": threads,
        "journal.committer.SimpleQueue": Queue,
        "journal.committer.Bridge": Bridge,
        "history.access.threading": threads,
        "replica.archiver.threading": threads,
        "history.access.SimpleQueue": Queue,
        "history.access.Bridge": Bridge,
        "history.access.time": clock,
        "loop.turns.time": clock,
        "api.orders.duplicates.time": clock,
        "api.orders.service.time": clock,
        "api.http.processing.time": clock,
        "api.json.errors.secrets": Secrets(rng),
        "replica.link.select": select,
        "replica.link.time": clock,
        "replica.link.Wake": Wake,
        "replica.stream.select": select,
        "replica.stream.time": clock,
        "replica.historian.historian.time": clock,
        "replica.historian.snapshotter.time": clock,
        "replica.recovery.time": clock,
    }
    with contextlib.ExitStack() as stack:
        for place, thing in places.items():
            module, _, name = place.rpartition(".")
            if hasattr(importlib.import_module(module), name):  # else it takes nothing of that kind any more
                stack.enter_context(mock.patch(place, thing))
        yield
