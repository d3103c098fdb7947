"""Where the log of the product goes while a simulation runs: an error that it logs of a bug is a violation."""

from __future__ import annotations

import contextlib
import logging
import random
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING
from unittest import mock

from cluster.failures import ClusterError
from cluster.store import StoreError
from journal.port import JournalError
from sequencer.port import NotAccepting
from tests.sim.hub import hub_here
from tests.sim.machine import Bridge, Event, Secrets, Signal, Thread, Time
from tests.sim_cluster.channels import SimulatedChannel
from tests.sim_cluster.peers import SimulatedPeer

if TYPE_CHECKING:
    from tests.sim_cluster.simulation import Simulation


class _Log(logging.Handler):
    def __init__(self, simulation: Simulation) -> None:
        super().__init__(logging.INFO)
        self._simulation = simulation

    def emit(self, record: logging.LogRecord) -> None:
        self._simulation.trace("log", record.getMessage())
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(
            error, ClusterError | StoreError | JournalError | NotAccepting | OSError
        ):
            self._simulation.violation("log", f"{record.getMessage()}: {error!r}")


def _connect(simulation: Simulation, address: str) -> SimulatedChannel:
    node = simulation.node_of(hub_here().current)
    return simulation.ports.connect(address, node.index, node.process)


class _NodeTime(Time):
    """The module `time` for the process that runs: each node's wall clock is its own."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation.hub)
        hub = simulation.hub
        wrong_ns = {node.name: index for index, node in enumerate(simulation.nodes)}

        def time_ns() -> int:
            index = wrong_ns.get(hub.current.name[:1])
            return hub.wall_ns() + (0 if index is None else simulation.clock_error_ns(index))

        self.time_ns = time_ns


class _Timer:
    """`threading.Timer`."""

    def __init__(self, delay_s: float, call: Callable[[], object]) -> None:
        self._delay_s, self._call = delay_s, call

    def start(self) -> None:
        """Have it called when the time has come."""
        hub = hub_here()
        hub.call(hub.current, self._delay_s, self._call)


class _Condition:
    """`threading.Condition`."""

    def __init__(self) -> None:
        self._signal = Signal()

    def __enter__(self) -> None:
        return

    def __exit__(self, *_: object) -> None:
        return

    def wait(self, timeout: float) -> bool:
        """Wait for a notification; whether the time is not over."""
        until_ns = hub_here().now_ns + int(timeout * 1e9)
        self._signal.wait(timeout)
        return hub_here().now_ns < until_ns

    def notify_all(self) -> None:
        """Wake all who wait."""
        self._signal.notify()


@contextlib.contextmanager
def installed(simulation: Simulation) -> Iterator[None]:
    """The simulated machine in every module of the cluster's room that takes something from the real one."""
    things = {
        "time": _NodeTime(simulation),
        "secrets": Secrets(random.Random(f"secrets {simulation.plan.seed}")),
        "threading": SimpleNamespace(
            Thread=Thread, Event=Event, Timer=_Timer, Condition=_Condition, Lock=contextlib.nullcontext
        ),
        "Bridge": Bridge,
        "PeerClient": SimulatedPeer,
        "accept": lambda listening: listening.accept(),
        "connect_tcp": lambda host, _port, _tls: _connect(simulation, host),
    }
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
