"""What is checked of the log at every step, and of every answer when all is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.keys import decode_head
from cluster.records import decode_record
from engine.commands import Command, WriterChanged
from journal.codec import open_batch
from tests.sim_cluster.asked import Asked

if TYPE_CHECKING:
    from tests.sim_cluster.simulation import Simulation


class LogCheck:
    """Sees every change of the log, the moment that it is agreed on."""

    def __init__(self, simulation: Simulation) -> None:
        self.epoch = 0  # of whoever owns the log; 0: nobody does
        self.last_epoch = 0  # of the newest record
        self.put_back_n: int | None = None  # the newest record of the backup that the log was put back to
        self._simulation = simulation
        self._values: dict[int, bytes] = {}
        self.first_n = 1  # the oldest record in the log
        self._head = b""

    def after_commit(self) -> None:
        """Check what the last transaction has changed."""
        simulation, keys = self._simulation, self._simulation.keys
        state = simulation.log.state
        owner = state.keys.get(keys.owner)
        self.epoch = 0 if owner is None else owner.create_revision
        head = state.keys.get(keys.head)
        if head is None or head.value == self._head:
            self._check_trimmed()
            return
        self._head, found = head.value, decode_head(head.value)
        n = found.n
        if self.put_back_n is not None:
            if n > self.put_back_n:
                self._wrong("log", f"record {n} was written to a log that had been put back to {self.put_back_n}")
            return
        if n == 0:
            return
        record = state.keys.get(keys.log(n))
        known = len(simulation.reference.records)
        if n != known + 1:
            self._wrong("log", f"the head went from record {known} to {n}")
        elif record is None or record.mod_revision != state.revision:
            self._wrong("log", f"record {n} did not come with its head")
        elif found.head.epoch != self.epoch:
            self._wrong("two writers", f"record {n} was written in epoch {found.head.epoch}, it is {self.epoch}")
        else:
            self._values[n] = record.value
            simulation.trace("log", f"record {n} of epoch {self.epoch}")
            simulation.reference.add(decode_record(n, record.value))
        if found.head.epoch < self.last_epoch:
            self._wrong("two writers", f"epoch {found.head.epoch} came behind {self.last_epoch}")
        self.last_epoch = found.head.epoch

    def _check_trimmed(self) -> None:
        """What was removed must be behind snapshots that two nodes have on their disks."""
        simulation, keys = self._simulation, self._simulation.keys
        while self.put_back_n is None and self.first_n <= len(simulation.reference.records):
            if keys.log(self.first_n) in simulation.log.state.keys:
                return
            behind = sorted((disk.noted_n() for disk in simulation.disks), reverse=True)
            if self.first_n > max(0, behind[1] - simulation.plan.kept_records):
                self._wrong("trim", f"record {self.first_n} left the log; snapshots are behind {behind}")
                return
            simulation.count("record that was trimmed")
            self.first_n += 1

    def at_end(self) -> None:
        """Check that no record was changed since, and that each writer began with one that says so."""
        simulation, keys = self._simulation, self._simulation.keys
        if self.put_back_n is not None:
            return
        for n in range(self.first_n, len(simulation.reference.records) + 1):
            kept = simulation.log.state.keys.get(keys.log(n))
            if kept is None or kept.value != self._values[n] or kept.version != 1:
                self._wrong("log", f"record {n} was changed")
        epochs = [
            result.command.epoch for result in simulation.reference.results if isinstance(result.command, WriterChanged)
        ]
        if epochs != sorted(epochs):
            self._wrong("two writers", f"the epochs in the log: {epochs}")

    def _wrong(self, kind: str, text: str) -> None:
        self._simulation.violation(kind, text)


def check_answers(simulation: Simulation) -> None:
    """Check every answer against what is in the log, as soon as all is over."""
    simulation.reference.fold()
    simulation.reference.exchange.check_invariants()
    places = _places(simulation)
    for asked in simulation.asked:
        wrong = _wrong_with(simulation, asked, places)
        if wrong:
            outcomes = [f"{attempt.outcome} by {attempt.node}" for attempt in asked.tries]
            simulation.violation(wrong[0], f"{asked.key.hex()[:8]} {asked.commands}, {outcomes}: {wrong[1]}")


def _places(simulation: Simulation) -> dict[Command, list[int]]:
    """Where each command is, by seq: most are like no other."""
    places: dict[Command, list[int]] = {}
    for record in simulation.reference.records:
        for seq, command in enumerate(open_batch(record), record.first_seq):
            places.setdefault(command, []).append(seq)
    return places


def _wrong_with(simulation: Simulation, asked: Asked, places: dict[Command, list[int]]) -> tuple[str, str] | None:
    reference = simulation.reference
    for results in asked.results:
        if [result.command for result in results] != list(asked.commands):
            return "answer", f"it was answered with {results}"
        for result in results:
            if reference.results[result.seq - 1] != result:
                return "answer", f"seq {result.seq} came to {reference.results[result.seq - 1]}"
        if results[0].seq <= asked.after_seq:
            return "order", f"seq {results[0].seq} came before {asked.after_seq}, which was answered before"
    ends = {*asked.seqs, *(results[-1].seq for results in asked.results)}
    if len(ends) > 1:
        return "twice", f"it was answered as of {sorted(ends)}"
    count = len(asked.commands)
    for end in asked.seqs:
        if [reference.results[seq - 1].command for seq in range(end - count + 1, end + 1)] != list(asked.commands):
            return "answer", f"seq {end} is another's"
    unique = [command for command in asked.commands if simulation.is_unique(command)]
    found = [places.get(command, []) for command in unique]
    if any(len(each) > 1 for each in found):
        return "twice", f"it is in the log as {found}"
    if ends and not all(found):
        return "loss", f"it was acknowledged as of {sorted(ends)}"
    before = asked.behind and places.get(asked.behind.commands[0])
    if before and found and found[0] and found[0][0] < before[0]:
        return "order", f"it is in the log as {found}, what was asked for before as {before}"
    refused = [attempt for attempt in asked.tries if attempt.outcome in ("refused", "refused for good")]
    if any(found) and not ends and len(refused) == len(asked.tries):
        return "refusal", f"it was refused and is in the log as {found}"
    return None
