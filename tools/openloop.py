"""Open-loop load: requests are due by a schedule, whether or not earlier ones were answered.

A latency counts from when the request was due, so that a server that stalls cannot hide it
by keeping the generator waiting. How late the generator itself was is measured apart.
Layer: tools.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import msgspec

from tools.measure import Latency

LATE_MS: Final = 10.0  # a generator whose p99 starts later than this did not keep its schedule


class Phase(msgspec.Struct, frozen=True):
    """A stretch of constant rate."""

    name: str
    rate: float  # requests a second
    seconds: float


class Due(msgspec.Struct, frozen=True):
    """One request of the schedule."""

    number: int  # from 0
    phase: str
    after_ns: int  # since the start


class Kept(msgspec.Struct, frozen=True):
    """How well one phase was sent."""

    phase: str
    planned: int
    late_p99_ms: float
    late_max_ms: float

    @property
    def on_schedule(self) -> bool:
        """Whether the generator kept up; if not, the latencies blame the server for the generator."""
        return self.late_p99_ms <= LATE_MS


def schedule(phases: list[Phase]) -> Iterator[Due]:
    """When each request is due: evenly spaced within a phase, phase after phase."""
    number, begin_ns = 0, 0
    for phase in phases:
        for i in range(int(phase.rate * phase.seconds)):
            yield Due(number, phase.name, begin_ns + int(i * 1e9 / phase.rate))
            number += 1
        begin_ns += int(phase.seconds * 1e9)


async def run_schedule(
    phases: list[Phase], send: Callable[[Due, int], Awaitable[None]], *, patience_s: float
) -> tuple[list[Kept], int]:
    """Call `send(due, due_ns)` for each request when it is due, `due_ns` by `perf_counter_ns`.

    Returns how the schedule was kept, and how many requests were still unanswered
    `patience_s` after the last. What `send` raises is raised here.
    """
    planned: dict[str, int] = {}
    late: dict[str, Latency] = {}
    pending: set[asyncio.Task[None]] = set()
    failures: list[BaseException] = []

    def settled(task: asyncio.Task[None]) -> None:
        pending.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            failures.append(error)

    async def sent(due: Due, due_ns: int) -> None:
        await send(due, due_ns)

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
    kept = []
    for phase, count in planned.items():
        row = late[phase].row()
        kept.append(Kept(phase, count, row.p99_ms, row.max_ms))
    return kept, len(unanswered)
