"""Where the log of the product goes while a simulation runs: an error that it logs of a bug is a violation."""

from __future__ import annotations

import contextlib
import logging
import random
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING
from unittest import mock

from cluster.failures import ClusterError
from cluster.store import StoreError
from journal.port import JournalError
from sequencer.port import NotAccepting
from tests.sim.hub import Hub
from tests.sim.machine import Secrets, Time

if TYPE_CHECKING:
    from tests.sim_cluster.simulation import Simulation


class _Log(logging.Handler):
    def __init__(self, simulation: Simulation) -> None:
        super().__init__(logging.INFO)
        self._simulation = simulation

    def emit(self, record: logging.LogRecord) -> None:
        self._simulation.trace("log", record.getMessage())
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(error, ClusterError | StoreError | JournalError | NotAccepting | OSError):
            self._simulation.violation("log", f"{record.getMessage()}: {error!r}")


@contextlib.contextmanager
def installed(hub: Hub, rng: random.Random) -> Iterator[None]:
    """The simulated clock and chance in every module of the cluster's room that takes one from the machine."""
    things = {"time": Time(hub), "secrets": Secrets(rng)}
    with contextlib.ExitStack() as stack:
        for module in sorted(name for name in sys.modules if name.startswith("cluster.")):
            for name, thing in things.items():
                if hasattr(sys.modules[module], name):
                    stack.enter_context(mock.patch(f"{module}.{name}", thing))
        yield


@contextlib.contextmanager
def logged(simulation: Simulation) -> Iterator[None]:
    """What is logged goes to the trace, and nowhere else."""
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, [_Log(simulation)]
    try:
        yield
    finally:
        root.handlers = handlers
