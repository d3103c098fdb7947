"""The log's oldest records go once two nodes have durable snapshots behind them; every node keeps its own archive.

Trimmed is to the older of the two newest snapshots on different nodes, less what a node may be behind without
needing one. The deletion compares the owner's epoch and both notes, so that nothing goes by a note that has changed.
Layer: cluster. Blocks, by what it is given.
"""

from __future__ import annotations

import logging
from typing import Final

import msgspec

from cluster.failures import Fenced
from cluster.keys import CLUSTER_NAME, Keys, SnapshotNote
from cluster.store import CreatedIn, Delete, Entry, LogStore, ModifiedIn, Put, Read, Transaction

KEPT_RECORDS: Final = 10_000
DELETED_AT_ONCE: Final = 1_000  # all members are busy with it meanwhile
ANSWER_S: Final = 2.0

log = logging.getLogger(__name__)


class Trimmed(msgspec.Struct, frozen=True):
    """What one step removed."""

    deleted: int
    more: bool  # there is more to remove by the same notes


class Trimmer:
    """Notes snapshots and, for the writer, trims. Used by one thread."""

    def __init__(self, store: LogStore, keys: Keys, kept_records: int = KEPT_RECORDS) -> None:
        self._store = store
        self._keys = keys
        self._kept = kept_records

    def note(self, snapshot: SnapshotNote) -> None:
        """Say where this node's newest snapshot is, which is durable and proved. Raises StoreError."""
        put = Put(self._keys.snapshot(snapshot.node), msgspec.json.encode(snapshot))
        self._store.transact(Transaction(then=(put,)), ANSWER_S)

    def notes(self) -> list[SnapshotNote]:
        """The newest snapshot of each node, newest first. Raises StoreError."""
        return [note for note, _ in self._stored_notes()]

    def forget(self, node: str) -> None:
        """A node is no part of the cluster any more: its snapshot counts no longer. Raises StoreError."""
        self._store.transact(Transaction(then=(Delete(self._keys.snapshot(node)),)), ANSWER_S)

    def trim(self, epoch: int) -> Trimmed:
        """Remove at most DELETED_AT_ONCE of the records that two snapshots cover. Raises Fenced and StoreError."""
        stored = self._stored_notes()[:2]
        if len(stored) < 2:
            return Trimmed(0, more=False)
        until_n = stored[1][0].n - self._kept
        first = self._store.transact(Transaction(then=(Read(self._keys.logs, self._keys.logs_end, 1),)), ANSWER_S)
        first_n = self._keys.record_number(first.reads[0][0].key) if first.reads[0] else until_n + 1
        if first_n > until_n:
            return Trimmed(0, more=False)
        end_n = min(until_n, first_n + DELETED_AT_ONCE - 1)
        unchanged = tuple(ModifiedIn(entry.key, entry.modified) for _, entry in stored)
        delete = Delete(self._keys.log(first_n), self._keys.log(end_n + 1))
        outcome = self._store.transact(
            Transaction((CreatedIn(self._keys.owner, epoch), *unchanged), (delete,), (Read(self._keys.owner),)),
            ANSWER_S,
        )  # a try that was not answered is done again by the next step: it deletes the same or nothing
        if outcome.succeeded:
            return Trimmed(outcome.deleted, more=end_n < until_n)
        owner = outcome.reads[0]
        if not owner or owner[0].created != epoch:
            raise Fenced(f"The log was not trimmed: this writer's epoch {epoch} has ended.")
        return Trimmed(0, more=True)  # a note has changed meanwhile

    def _stored_notes(self) -> list[tuple[SnapshotNote, Entry]]:
        read = Read(self._keys.snapshots, self._keys.snapshots_end)
        entries = self._store.transact(Transaction(then=(read,)), ANSWER_S).reads[0]
        notes = [(note, entry) for entry in entries if (note := self._note_in(entry)) is not None]
        return sorted(notes, key=lambda pair: (-pair[0].n, pair[0].node))

    def _note_in(self, entry: Entry) -> SnapshotNote | None:
        """What an entry says; None where it is no node's own: then nothing goes by it, and it hides no other."""
        try:
            note = msgspec.json.decode(entry.value, type=SnapshotNote)
        except ValueError as problem:  # DecodeError is one
            log.debug("%s cannot be read: %s", entry.key, problem)
            return None
        return note if entry.key == self._keys.snapshot(note.node) and CLUSTER_NAME.fullmatch(note.node) else None
