"""The venue's time: the machine's wall clock, as far as a clock that nobody can set agrees with it.

A wall clock can be set: by a person, by a program that keeps time, by a machine that wakes up with a wrong one. What
it does cannot be undone here, since orders expire by it and records keep it for ever. So each reading is compared with
the steady clock, which counts on while the machine sleeps and cannot be set:

- what drifts by up to `DRIFT_PPM`, and steps of up to `STEP_NS` together, is followed;
- a larger step, forward or back, is held: the venue's time goes on at the steady clock's pace from where it was, until
  the wall clock comes back by itself or an operator says that it is right. A single wrong reading leaves no trace;
- the venue's time never goes back and never stands: where it is ahead of what it follows, it goes on at half the pace
  until that has caught up.

A start goes by three times: W, of the wall clock; R, of the last record; F, which the venue's time would be by what an
earlier run kept in a file, if that was in this boot. F alone can be wrong, as a file can, so it never moves time on:

| | begins at | said |
|---|---|---|
| no F: first start, other boot, damaged file; R up to W | W | no; a warning where R is long ago |
| no F, W behind R: wall set back | R | held |
| F is W | W | no |
| W ahead of F, R up to F: wall set forward, or file behind | F | held |
| W ahead of F, R between them: file behind | R | held |
| W ahead of F, R ahead of both | R | held |
| F ahead of W, R up to W: file ahead, or wall set back by less than the pause | W | held: the file says another time |
| F ahead of W, R between them, F up to `KEPT_NS` behind R: wall set back | F | held |
| F ahead of W, R between them, F further: wall set back, or file ahead | R | held |
| F ahead of W, R ahead of both | R | held |

What is held stays so until an operator accepts, over starts in this boot too. Where the wall clock is not followed, its
coming back ends it as well.

Layer: sequencer.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import msgspec

log = logging.getLogger(__name__)

STEP_NS: Final = 1_000_000_000  # followed at once
DRIFT_PPM: Final = 500  # followed for ever; what programs that keep time make of a clock's own drift at most
CONFIRMED_NS: Final = 500_000_000  # a step that lasts so long is one, and no single wrong reading
GAP_NS: Final = 7 * 86_400 * 1_000_000_000  # without a record, before another boot: more is said at a start
SAMPLES: Final = 5  # at the start, where one wrong reading could be compared with nothing
SAMPLE_NS: Final = 1_000_000  # between the two readings of the steady clock around one of the wall clock
SAMPLE_TRIES: Final = 4
KEPT_NS: Final = 60 * 1_000_000_000  # behind the last record: so far a file is believed that says more than the wall
MOVE_NS: Final = 250_000_000  # between two movements of the reference

_BOOTTIME: Final = getattr(time, "CLOCK_BOOTTIME", None)
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")

Nanoseconds = Callable[[], int]


class KeptClock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept of the clock between two starts."""

    boot: str  # the machine's name of its boot; "" where it has none
    steady_ns: int  # of the steady clock, when
    venue_ns: int  # the wall clock was held to show this, in epoch nanoseconds
    disputed_ns: int = (
        0  # by which what was kept was ahead of the wall clock, and was not believed; 0: nobody has to say
    )


class HeldClock(NamedTuple):
    """The machine's clock is not followed just now."""

    ahead_ns: int  # of the machine's clock before the venue's time; negative: behind it
    since_ns: int  # the venue's time when it was held
    kept_ahead_ns: int = 0  # it agrees, and what an earlier run kept is so far ahead of it; 0: it does not agree

    @property
    def away_ns(self) -> int:
        """How far the machine's clock is ahead of the venue's time, or else of what an earlier run kept; never 0."""
        return self.ahead_ns or -self.kept_ahead_ns


class ClockReading(Protocol):
    """The venue's time, for who only reads it."""

    def __call__(self) -> int:
        """Epoch nanoseconds of now."""

    @property
    def held(self) -> HeldClock | None:
        """How far the machine's clock is from the venue's time, where it is not followed."""


def steady_ns() -> int:
    """Nanoseconds of a clock that counts on while the machine sleeps, where it has one, and cannot be set."""
    return time.monotonic_ns() if _BOOTTIME is None else time.clock_gettime_ns(_BOOTTIME)


def boot_id() -> str:
    """The machine's name of its present boot; "" where it has none, and then each start counts as another boot."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


class VenueClock:
    """Epoch nanoseconds of the venue, whenever it is called. From any thread."""

    def __init__(
        self,
        last_ns: int,
        kept: KeptClock | None,
        *,
        wall: Nanoseconds = time.time_ns,
        steady: Nanoseconds = steady_ns,
        boot: str | None = None,
    ) -> None:
        """`last_ns`: of the last record, 0 without one. `kept`: what an earlier run kept, where one did."""
        self._wall, self._steady = wall, steady
        self._boot = boot_id() if boot is None else boot
        self._lock = threading.Lock()
        self._held_at: int | None = None  # steady nanoseconds
        self._held_since_ns = 0
        self._disputed_ns = 0  # as KeptClock has it
        offsets = sorted(self._sample() for _ in range(SAMPLES))
        self._steady_ns, offset = offsets[SAMPLES // 2][1], offsets[SAMPLES // 2][0]
        self._offset = self._offset_at_start(offset, last_ns, kept)  # of the wall clock that is followed, to the steady
        self._reference = self._offset  # follows that one slowly: the two are never further apart than one step
        self._moved_ns = self._steady_ns
        self._ahead_ns = offset - self._offset
        self._now_ns = max(last_ns, self._steady_ns + self._offset)
        if self._ahead_ns:
            self._held_at = self._steady_ns - CONFIRMED_NS
        if self._ahead_ns or self._disputed_ns:
            self._held_since_ns = self._now_ns

    def __call__(self) -> int:
        """The venue's time now. O(1)."""
        with self._lock:
            return self._read()

    @property
    def held(self) -> HeldClock | None:
        """How far the machine's clock is from the venue's time, where it is not followed. Of the last reading."""
        with self._lock:
            if self._held_at is not None and self._steady_ns - self._held_at >= CONFIRMED_NS:
                return HeldClock(self._ahead_ns, self._held_since_ns)
            if self._disputed_ns:
                return HeldClock(self._ahead_ns, self._held_since_ns, self._disputed_ns)
            return None

    def accept(self) -> int:
        """Follow the machine's clock from now on, whatever it shows; return by how much it was ahead."""
        with self._lock:
            self._read()
            ahead_ns = self._ahead_ns
            self._offset += ahead_ns
            self._reference, self._ahead_ns, self._held_at = self._offset, 0, None
            self._disputed_ns = 0
            return ahead_ns

    def to_keep(self) -> KeptClock:
        """What a later start goes by."""
        with self._lock:
            self._read()
            return KeptClock(self._boot, self._steady_ns, self._steady_ns + self._offset, self._disputed_ns)

    def _read(self) -> int:
        before, wall, steady = self._steady(), self._wall(), self._steady()
        if steady - before > SAMPLE_NS:
            offset, steady = self._sample()  # this process was stopped between the two
        else:
            offset = wall - steady
        elapsed = steady - self._steady_ns
        if elapsed < 0:
            elapsed = 0
        else:
            self._steady_ns = steady
        if self._steady_ns - self._moved_ns >= MOVE_NS:
            self._move_reference()
        if -STEP_NS <= offset - self._reference <= STEP_NS:
            self._offset, self._held_at = offset, None
        elif self._held_at is None:
            self._held_at, self._held_since_ns = self._steady_ns, self._now_ns
        self._ahead_ns = offset - self._offset
        followed, slow = self._steady_ns + self._offset, self._now_ns + elapsed // 2
        self._now_ns = followed if followed > slow else slow
        return self._now_ns

    def _move_reference(self) -> None:
        """Follow drift: bring the reference nearer to what is followed, no faster than a clock drifts."""
        most = (self._steady_ns - self._moved_ns) * DRIFT_PPM // 1_000_000
        self._moved_ns = self._steady_ns
        self._reference += max(-most, min(most, self._offset - self._reference))

    def _sample(self) -> tuple[int, int]:
        """What is to be added to the steady clock for the wall clock, and the steady clock, both of one moment."""
        before = self._steady()
        for _ in range(SAMPLE_TRIES):
            wall, after = self._wall(), self._steady()
            if after - before <= SAMPLE_NS:
                break
            before = after  # this process was stopped between the two
        return wall - after, after

    def _offset_at_start(self, offset: int, last_ns: int, kept: KeptClock | None) -> int:
        """The offset to follow, by the module's table; notes where what was kept is not believed."""
        wall_ns = self._steady_ns + offset
        if kept is not None and kept.boot and kept.boot == self._boot and 0 <= kept.steady_ns <= self._steady_ns:
            elapsed = self._steady_ns - kept.steady_ns
            begin_ns = self._begin_by_file(wall_ns, kept.venue_ns + elapsed, last_ns, elapsed * DRIFT_PPM // 1_000_000)
            self._disputed_ns = self._disputed_ns or kept.disputed_ns
            return begin_ns - self._steady_ns
        if last_ns > wall_ns + STEP_NS:
            return last_ns - self._steady_ns
        if last_ns and wall_ns - last_ns > GAP_NS:
            log.warning(
                "the last record is %d days old by this machine's clock: right after a long pause, "
                "otherwise stop and set the clock before orders expire by it",
                (wall_ns - last_ns) // (86_400 * 1_000_000_000),
            )
        return offset

    def _begin_by_file(self, wall_ns: int, file_ns: int, last_ns: int, drift_ns: int) -> int:
        """The time to begin at where there is what an earlier run kept. Both can be wrong; the smaller one counts."""
        if abs(wall_ns - file_ns) <= STEP_NS + drift_ns:
            return wall_ns
        if wall_ns > file_ns:
            return max(file_ns, last_ns)
        if last_ns <= wall_ns + STEP_NS:
            self._disputed_ns = file_ns - wall_ns
            return wall_ns
        return file_ns if last_ns <= file_ns <= last_ns + KEPT_NS else last_ns
