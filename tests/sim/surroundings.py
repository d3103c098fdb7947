"""What a simulation changes of the process that it runs in: the bounds of memories, and where the log goes."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING
from unittest import mock

from api.market import live_texts
from journal.port import JournalError
from loop.errors import StoreAway
from sequencer.port import NotAccepting
from tests.sim.plan import Plan

if TYPE_CHECKING:
    from tests.sim.simulation import Simulation


@contextlib.contextmanager
def limits(plan: Plan) -> Iterator[None]:
    """Memories that are small enough to forget something within a simulation."""
    live_texts._trades.clear()
    with contextlib.ExitStack() as stack:
        for place, value in (
            ("engine.recent.REMEMBERED_MAX", plan.remembered),
            ("audit.naive_memory.OF_EACH", plan.remembered),
            ("api.orders.memory.DONE_MAX", plan.kept),
        ):
            stack.enter_context(mock.patch(place, value))
        yield


class _Log(logging.Handler):
    """What the product logs as an error is traced, and what it logs of a bug is a violation."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(logging.WARNING)
        self._simulation = simulation

    def emit(self, record: logging.LogRecord) -> None:
        folder = str(self._simulation.snapshots.folder.folder)  # another one each time
        self._simulation.trace("log", record.getMessage().replace(folder, "snapshots"))
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(error, StoreAway | JournalError | NotAccepting):
            self._simulation.violation("log", f"{record.getMessage()}: {error!r}")


@contextlib.contextmanager
def logged(simulation: Simulation) -> Iterator[None]:
    """What is logged goes to the trace, and nowhere else."""
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, [_Log(simulation)]
    try:
        yield
    finally:
        root.handlers = handlers
