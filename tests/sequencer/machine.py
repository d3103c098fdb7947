"""A machine whose clock can be set, and the venue's clock beside it."""

from __future__ import annotations

from sequencer.venue_clock import KeptClock, VenueClock

S = 1_000_000_000
HOUR, DAY = 3_600 * S, 86_400 * S
NOON = 1_700_000_000 * S


class Machine:
    """A machine's two clocks, and the venue's beside them."""

    def __init__(self, last_ns: int = 0, kept: KeptClock | None = None, boot: str = "a", wall_ns: int = NOON) -> None:
        self.wall_ns, self.steady_ns = wall_ns, 500 * S
        self._last_ns, self._boot = last_ns, boot
        self.clock = self.started(kept)

    def started(self, kept: KeptClock | None) -> VenueClock:
        """The venue's clock of one more start."""
        return VenueClock(
            self._last_ns, kept, wall=lambda: self.wall_ns, steady=lambda: self.steady_ns, boot=self._boot
        )

    def run(self, steady_ns: int, *, ppm: int = 0, every_ns: int = S // 4) -> int:
        """Let time go by, with a reading now and then; return the venue's last one."""
        now = self.clock()
        while steady_ns > 0:
            step = min(every_ns, steady_ns)
            self.steady_ns += step
            self.wall_ns += step + step * ppm // 1_000_000
            steady_ns -= step
            after = self.clock()
            assert after > now, "time goes on, and never back"
            now = after
        return now
