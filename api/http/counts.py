"""Where requests are counted: in memory at once, and with other servers through Redis a moment later.

Nothing waits for Redis: a native thread adds what was counted to its numbers and brings back what all have counted.
While it is away each server counts alone; what it counted meanwhile is added when Redis is back.
Layer: api.http.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Final

import eventlet
from eventlet.event import Event
from limits.storage import Storage

from loop.shared_table import SharedTable
from loop.turns import in_turns
from loop.workers import Workers

KEYS_MAX: Final = 100_000  # clients that are counted at a time; of more, the one whose window began first is forgotten
EXCHANGE_S: Final = 0.1  # between two exchanges with Redis
PATIENCE_S: Final = 1.0  # for an answer of Redis, in the native thread
PAUSE_S: Final = 0.5  # after a failure; twice as long after each further one
PAUSE_MAX_S: Final = 30.0

log = logging.getLogger(__name__)

SCHEME: Final = "counts"  # by which Flask-Limiter finds them

Total = tuple[int, float]  # what all servers counted, and the seconds that its window still lasts


class Counts(Storage):
    """A storage of `limits` for fixed windows. Bounded, and every method O(1); none of them waits."""

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 - as the base class has it

    def __init__(self, uri: str = f"{SCHEME}://", *, wrap_exceptions: bool = False, **_options: Any) -> None:
        super().__init__(uri, wrap_exceptions)
        self._counted: dict[str, list[float]] = {}  # count, and its window's end (monotonic); oldest first

    @property
    def base_exceptions(self) -> type[Exception]:
        """What a method may raise: nothing."""
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count `amount` more in the window of `key`, which lasts `expiry` seconds from its first; return the count."""
        now = time.monotonic()
        entry = self._counted.get(key)
        if entry is None or entry[1] <= now:
            self._counted.pop(key, None)
            self._forget(now)
            self._counted[key] = [amount, now + expiry]
            return amount
        entry[0] += amount
        return int(entry[0])

    def get(self, key: str) -> int:
        """The count in the present window of `key`."""
        entry = self._counted.get(key)
        return 0 if entry is None or entry[1] <= time.monotonic() else int(entry[0])

    def get_expiry(self, key: str) -> float:
        """When the present window of `key` ends, in epoch seconds."""
        entry = self._counted.get(key)
        return time.time() if entry is None else time.time() + entry[1] - time.monotonic()

    def close(self) -> None:
        """End it. There is nothing to end."""

    def check(self) -> bool:
        """Whether it works."""
        return True

    def reset(self) -> int:
        """Forget all counts."""
        count = len(self._counted)
        self._counted.clear()
        return count

    def clear(self, key: str) -> None:
        """Forget one count."""
        self._counted.pop(key, None)

    def _forget(self, now: float) -> None:
        """Forget two windows that are over, and one that is not where there are too many."""
        for _ in range(2):
            first = next(iter(self._counted), None)
            if first is None or (self._counted[first][1] > now and len(self._counted) < KEYS_MAX):
                return
            del self._counted[first]


class TableCounts(Storage):
    """A storage of `limits` for fixed windows that every process of one server counts in. None of its methods waits."""

    STORAGE_SCHEME = [f"{SCHEME}+table"]  # noqa: RUF012 - as the base class has it

    def __init__(self, uri: str, *, table: SharedTable, wrap_exceptions: bool = False, **_options: Any) -> None:
        """`table` is another's to close."""
        super().__init__(uri, wrap_exceptions)
        self._table = table

    @property
    def base_exceptions(self) -> type[Exception]:
        """What a method may raise: nothing."""
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """As `Counts.incr`, of what all processes counted."""
        return self._table.add(key.encode(), amount, _now_ms(), int(expiry * 1000)).number

    def get(self, key: str) -> int:
        """As `Counts.get`."""
        row = self._table.get(key.encode(), _now_ms())
        return 0 if row is None else row.number

    def get_expiry(self, key: str) -> float:
        """As `Counts.get_expiry`."""
        row = self._table.get(key.encode(), now_ms := _now_ms())
        return time.time() if row is None else time.time() + (row.until_ms - now_ms) / 1000

    def check(self) -> bool:
        """Whether it works."""
        return True

    def reset(self) -> int:
        """Forget nothing: others count in it too."""
        return 0

    def clear(self, key: str) -> None:
        """Forget one count."""
        self._table.add(key.encode(), -self.get(key), _now_ms(), 0)


def _now_ms() -> int:
    """Milliseconds of the steady clock, which all processes of a machine share."""
    return time.monotonic_ns() // 1_000_000


class SharedCounts(Counts):
    """The same with other servers. `close` it."""

    STORAGE_SCHEME = [f"{SCHEME}+redis", f"{SCHEME}+rediss"]  # noqa: RUF012 - as the base class has it

    def __init__(self, uri: str, *, wrap_exceptions: bool = False, **_options: Any) -> None:
        """`uri`: the scheme, a plus, and the URL as Redis reads it. Connects later, in a thread of its own."""
        # only here: what it imports takes a while, and few servers share their counts
        from redis import Redis  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415

        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._redis = Redis.from_url(
            uri.removeprefix(f"{SCHEME}+"),
            socket_timeout=PATIENCE_S,
            socket_connect_timeout=PATIENCE_S,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        self._workers = Workers("rate-limits", 1, 1)
        self._unsent: dict[str, tuple[int, float]] = {}  # by key, with the seconds of its window
        self._sender: eventlet.greenthread.GreenThread | None = None
        self._waits = Event()
        self._away = False

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """As `Counts.incr`, of what all servers have counted as far as it is known."""
        count = super().incr(key, expiry, amount)
        self._add_unsent(key, amount, expiry)
        if self._sender is None:
            self._sender = eventlet.spawn(self._exchange_all)
        elif not self._waits.ready():
            self._waits.send()
        return count

    def close(self) -> None:
        """Exchange nothing more. Blocks until the thread has ended, `PATIENCE_S` at most."""
        if self._sender is not None:
            self._sender.kill()
        self._workers.close()
        self._redis.close()

    def _exchange_all(self) -> None:
        pause_s = PAUSE_S
        while True:
            if not self._unsent:
                self._waits = Event()
                self._waits.wait()
            eventlet.sleep(EXCHANGE_S)
            sent, self._unsent = self._unsent, {}
            try:
                totals = self._workers.run(self._exchange, sent)
            except Exception as problem:  # whatever it is: without this greenlet nothing would be shared any more
                self._note_away(problem)
                self._keep(sent)
                eventlet.sleep(pause_s)
                pause_s = min(2 * pause_s, PAUSE_MAX_S)
                continue
            pause_s = PAUSE_S
            if self._away:
                self._away = False
                log.info("the rate limits' storage is back")
            self._take(totals)

    def _note_away(self, problem: Exception) -> None:
        if not self._away:
            self._away = True
            log.warning("the rate limits' storage is away, %s: counting in memory", type(problem).__name__)

    def _keep(self, sent: dict[str, tuple[int, float]]) -> None:
        """Have what was not taken sent again, as far as its window lasts. Cooperative."""
        for key, (amount, expiry) in in_turns(sent.items()):
            if self.get(key):
                self._add_unsent(key, amount, expiry)

    def _add_unsent(self, key: str, amount: int, expiry: float) -> None:
        if key in self._unsent or len(self._unsent) < KEYS_MAX:
            self._unsent[key] = (self._unsent.get(key, (0, 0))[0] + amount, expiry)

    def _take(self, totals: dict[str, Total]) -> None:
        """Go on from what all have counted. Cooperative."""
        now = time.monotonic()
        for key, (total, lasts_s) in in_turns(totals.items()):
            entry = self._counted.get(key)
            if entry is not None:
                entry[:] = [total + self._unsent.get(key, (0, 0))[0], now + lasts_s]

    # -- in the native thread

    def _exchange(self, sent: dict[str, tuple[int, float]]) -> dict[str, Total]:
        """Add to the numbers of all servers, and return them. Raises what the storage raises."""
        pipe = self._redis.pipeline(transaction=False)
        for key, (amount, expiry) in sent.items():
            pipe.set(key, 0, ex=int(expiry), nx=True)  # a window begins with its first request
            pipe.incrby(key, amount)
            pipe.pttl(key)
        answers = pipe.execute()
        return {
            key: (int(total), max(0, int(lasts_ms)) / 1000)
            for key, total, lasts_ms in zip(sent, answers[1::3], answers[2::3], strict=True)
        }
