"""Open-loop load: requests are due by a schedule, whether or not earlier ones were answered.

A latency counts from when the request was due, so that a server that stalls cannot hide it
by keeping the generator waiting. How late the generator itself was is measured apart.
Layer: tools.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import msgspec

from tools.measure import Latency

LATE_MS: Final = 10.0  # a generator whose p99 starts later than this did not keep its schedule
SLACK_PERCENT: Final = 5  # of the planned time, by which the last answer may be late
SLACK_S: Final = 0.5  # by which it may be late at least, since one answer weighs much in a short run


class Phase(msgspec.Struct, frozen=True):
    """A stretch of constant rate."""

    name: str
    rate: float  # requests a second
    seconds: float
    slack_s: float = SLACK_S  # by which the last answer may be late, beside `SLACK_PERCENT`


class ScheduledRequest(msgspec.Struct, frozen=True):
    """One request of the schedule."""

    number: int  # from 0
    phase: str
    after_ns: int  # since the start


class PhaseResult(msgspec.Struct, frozen=True):
    """How well one phase was sent, and answered."""

    phase: str
    planned: int
    rate: float  # that was asked for, a second
    planned_s: float
    answered: int
    took_s: float  # from the begin of the phase until its last answer
    late_p99_ms: float
    late_max_ms: float
    slack_s: float = SLACK_S

    @property
    def answered_rate(self) -> float:
        """Answers a second until the last one: what was really done, whatever was planned."""
        return self.answered / self.took_s if self.took_s > 0 else 0.0

    @property
    def kept_rate(self) -> bool:
        """Whether all was answered in the planned time; if not, `rate` is not what the figures are of."""
        return self.answered == self.planned and keeps_rate(self.planned_s, self.took_s, self.slack_s)

    def verdict(self) -> str:
        """A sentence for people: whether the rate was kept."""
        did = f"{self.answered:,} answers in {self.took_s:.1f} s are {self.answered_rate:,.1f} a second"
        if self.kept_rate:
            return f"{self.phase}: rate kept, {did}"
        asked = f"{self.planned:,} in {self.planned_s:g} s, {self.rate:,g} a second, were asked for"
        return f"{self.phase}: RATE NOT KEPT: {asked}; {did}"

    @property
    def on_schedule(self) -> bool:
        """Whether the generator kept up; if not, the latencies blame the server for the generator."""
        return self.late_p99_ms <= LATE_MS


def keeps_rate(planned_s: float, took_s: float, slack_s: float = SLACK_S) -> bool:
    """Whether a run that was planned for so long, and whose last answer came after `took_s`, kept its rate."""
    return took_s <= planned_s * (1 + SLACK_PERCENT / 100) + slack_s


def schedule(phases: list[Phase]) -> Iterator[ScheduledRequest]:
    """When each request is due: evenly spaced within a phase, phase after phase."""
    number, begin_ns = 0, 0
    for phase in phases:
        for i in range(int(phase.rate * phase.seconds)):
            yield ScheduledRequest(number, phase.name, begin_ns + int(i * 1e9 / phase.rate))
            number += 1
        begin_ns += int(phase.seconds * 1e9)


async def run_schedule(
    phases: list[Phase], send: Callable[[ScheduledRequest, int], Awaitable[bool | None]], *, patience_s: float
) -> tuple[list[PhaseResult], int]:
    """Call `send(due, due_ns)` for each request when it is due, `due_ns` by `perf_counter_ns`; False: no answer came.

    Returns how the schedule was kept, and how many requests were still unanswered
    `patience_s` after the last. What `send` raises is raised here.
    """
    planned: dict[str, int] = {}
    answered: Counter[str] = Counter()
    last_ns: dict[str, int] = {}  # when a phase's last answer came
    late: dict[str, Latency] = {}
    pending: set[asyncio.Task[None]] = set()
    failures: list[BaseException] = []

    def settled(task: asyncio.Task[None]) -> None:
        pending.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            failures.append(error)

    async def sent(due: ScheduledRequest, due_ns: int) -> None:
        if await send(due, due_ns) is not False:
            answered[due.phase] += 1
            last_ns[due.phase] = time.perf_counter_ns()

    start_ns = time.perf_counter_ns()
    for due in schedule(phases):
        due_ns = start_ns + due.after_ns
        wait_ns = due_ns - time.perf_counter_ns()
        if wait_ns > 0 or due.number % 64 == 0:
            await asyncio.sleep(max(wait_ns, 0) / 1e9)  # also when late: answers have to be read
        if failures:
            break
        task = asyncio.create_task(sent(due, due_ns))
        pending.add(task)
        task.add_done_callback(settled)
        planned[due.phase] = planned.get(due.phase, 0) + 1
        late.setdefault(due.phase, Latency()).record(time.perf_counter_ns() - due_ns)
    unanswered: set[asyncio.Task[None]] = set()
    if pending:
        _, unanswered = await asyncio.wait(pending, timeout=patience_s)
        for task in unanswered:
            task.cancel()
        await asyncio.gather(*unanswered, return_exceptions=True)
    if failures:
        raise failures[0]
    kept, begin_ns = [], start_ns
    for phase in phases:
        row, last = late.get(phase.name, Latency()).row(), last_ns.get(phase.name, begin_ns)
        count, done, took_s = planned.get(phase.name, 0), answered[phase.name], (last - begin_ns) / 1e9
        sent_late = (row.p99_ms, row.max_ms)
        kept.append(PhaseResult(phase.name, count, phase.rate, phase.seconds, done, took_s, *sent_late, phase.slack_s))
        begin_ns += int(phase.seconds * 1e9)
    return kept, len(unanswered)
