"""Processes that follow the records: the historian, and a replica that only folds. Started again when they end."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from engine.digest import state_digest
from replica.frames import BadFrame, Position, Record, State
from replica.historian import __main__ as historian_program
from replica.historian.options import HistorianOptions
from replica.recovery import snapshot_for
from replica.stream import RecordStream, StreamEnded, StreamRefused
from tests.sim.hub import Process, end_here, hub_here, spawn
from tests.sim.machine import Signal, sleep
from tests.sim.sockets import connected

if TYPE_CHECKING:
    from replica.follower import Follower
    from tests.sim.server import Server
    from tests.sim.simulation import Simulation

DIGEST_EVERY = 8  # records
AGAIN_S = 0.05  # before one that has ended is started again


class Keeper:
    """Has one kind of follower run as long as the simulation does."""

    def __init__(self, simulation: Simulation, name: str, run: Callable[[RecordStream], None]) -> None:
        self.name = name
        self.process: Process | None = None
        self._simulation = simulation
        self._run = run
        self._number = itertools.count(1)
        self._ended = Signal()
        self._rng = random.Random(f"{name} {simulation.plan.seed}")

    def start(self) -> None:
        """Begin."""
        spawn(self._simulation.hub.world, self._keep)

    def kill(self) -> None:
        """Kill the process that runs now, if one does."""
        if self.process is not None:
            self.process.kill()

    def _keep(self) -> None:
        while True:
            server = self._simulation.server
            if server is not None and not server.process.dead:
                process = self.process = Process(f"{self.name}-{next(self._number)}")
                process.on_death(self._ended.notify)
                self._connect(server, process)
                while not process.dead:
                    self._ended.wait()
            sleep(AGAIN_S)

    def _connect(self, server: Server, process: Process) -> None:
        numbers = self._simulation.next_number(), self._simulation.next_number()
        ours, theirs = connected(server.process, process, numbers, self._rng, self._simulation.plan.network.delay_s)
        hub = hub_here()
        before, hub.current = hub.current, server.process
        try:
            server.follow(ours, self._on_said(server))
        finally:
            hub.current = before
        spawn(process, self._follow, process, theirs)

    def _on_said(self, server: Server) -> Callable[[Position | State], object]:
        return server.on_historian_said if self.name == "historian" else lambda _: None

    def _follow(self, process: Process, connection: object) -> None:
        """The life of one process."""
        simulation = self._simulation
        try:
            self._run(connection)  # type: ignore[arg-type]
        except StreamRefused as refusal:
            simulation.on_refused(self.name, str(refusal))
        except (StreamEnded, TimeoutError) as end:
            simulation.trace(process.name, f"ends: {end}")
        except BadFrame as bad:
            simulation.violation("stream", f"{process.name}: {bad}")
        except Exception as problem:
            simulation.violation("follower", f"{process.name} stopped: {problem!r}")
        end_here(process)


class Replica:
    """Folds every record, and compares its state with the reference now and then."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self.follower: Follower | None = None

    def run(self, connection: object) -> None:
        """Follow from where an earlier process of it was, as one that keeps its state on a disk of its own would."""
        simulation = self._simulation
        follower = self.follower
        if follower is None or follower.n < simulation.first_n:
            follower = self.follower = snapshot_for(simulation.snapshots.folder)[0]
            simulation.count("replica that began anew")
        stream = RecordStream(connection, follower.last)  # type: ignore[arg-type]
        while True:
            for frame in stream.receive():
                if not isinstance(frame, Record):
                    continue
                for seq, digest in frame.digests.items():
                    follower.expect(seq, digest)
                follower.follow(frame.record)
                simulation.on_followed("replica", frame.record)
                if follower.n % DIGEST_EVERY == 0:
                    self.check()
                stream.say(Position(follower.n, follower.seq))

    def check(self) -> None:
        """Compare the state with the reference."""
        if self.follower is not None and self.follower.n:
            self._simulation.check_digest("replica", self.follower.n, state_digest(self.follower.exchange))


def run_historian(simulation: Simulation, connection: object) -> None:
    """One life of the real historian, over the simulated database."""
    plan = simulation.plan
    folder = str(simulation.snapshots.folder.folder)
    stored = historian_program.stored_seq(Path("history"))  # type: ignore[attr-defined]
    begun = snapshot_for(simulation.snapshots.folder, stored)  # a try that fails would say to the host what follows
    is_dropped = begun.follower.n + 1 < simulation.first_n
    options = HistorianOptions("history", folder, "simulated", plan.snapshot_every, 1e6, plan.trims, is_dropped)
    historian = historian_program._begun(connection, options)  # type: ignore[arg-type]
    historian._follower.listen(lambda record, _applied: simulation.on_followed("historian", record))
    try:
        historian.run()
    finally:
        historian.close()
