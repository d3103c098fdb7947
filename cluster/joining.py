"""How a node comes to have what the log has: the log is opened or founded, a snapshot is fetched, records are read.

A node that has records which the log has not, or others, refuses: a person decides which to keep.
Layer: cluster. Blocks.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from cluster.failures import ClusterError, LogUnformatted, RecordsTrimmed
from cluster.founding import found_log, opened_log
from cluster.keys import Keys, StoredHead, decode_head
from cluster.known_nodes import nodes_of
from cluster.log_reader import READ_S, LogReader
from cluster.peer_client import PeerClient, PeerError
from cluster.records import Position, position_of
from cluster.store import LogStore, NoAnswer, Read, Transaction
from cluster.trimming import Trimmer
from journal.codec import BatchRecord
from journal.files import flush
from journal.made import make_journal_behind
from journal.port import Checkpoint
from journal.snapshots import SnapshotError, SnapshotFolder
from journal.sqlite import SqliteJournal

log = logging.getLogger(__name__)

START_S: Final = 60.0  # that the log is waited for
PAUSE_S: Final = 0.5
JOURNAL: Final = "journal.sqlite"
SNAPSHOTS: Final = "snapshots"
DERIVED: Final = ("journal.sqlite", "history.sqlite", "journal-position", SNAPSHOTS, "archive")  # and what begins so
T = TypeVar("T")


class NameTaken(ClusterError):
    """Another process is the node of this name."""


class SecretDiffers(ClusterError):
    """Another node has another secret."""


class NoSnapshotFound(ClusterError):
    """No other node has a snapshot that serves."""


def waited_for(call: Callable[[], T], store: LogStore, within_s: float = START_S) -> T:
    """What `call` gives, tried again at the next member for as long as the log does not answer. Raises what it does."""
    until, is_said = time.monotonic() + within_s, False
    while True:
        try:
            return call()
        except NoAnswer as problem:
            if time.monotonic() >= until:
                raise
            if not is_said:
                log.warning("the log does not answer, and is waited for: %s", problem)
            is_said = True
            store.next_member()
            time.sleep(PAUSE_S)


def open_log(store: LogStore, keys: Keys, own: Position) -> StoredHead:
    """The head of the log; the log is made where there is none, and this node has no records either.

    Raises LogUnformatted where it has some, LogTooNew, StoreError.
    """
    try:
        return waited_for(lambda: opened_log(store, keys), store)
    except LogUnformatted as none:
        if own.n:
            raise LogUnformatted(
                f"There is no log under {keys.prefix}, and this node has {own.n} records: it does not make one by "
                "itself. To begin a cluster with what this folder has: openbell cluster found --data DIR."
            ) from none
        return waited_for(lambda: found_log(store, keys), store)


def require_place(store: LogStore, keys: Keys, name: str, secret: str, tls: ssl.SSLContext | None) -> None:
    """Raise where a node that runs leaves this one no place among them.

    NameTaken: a process on another folder answers as the node `name`; each would challenge the other. SecretDiffers:
    `secret` is the fingerprint of this node's, and not that of another one's. Raises StoreError.
    """
    for known in waited_for(lambda: nodes_of(store, keys), store):
        try:
            with contextlib.closing(PeerClient(known.peer, tls)) as peer:
                state = peer.state()
        except PeerError:
            continue  # where it has this one's name, it was this node's process before, which is no more
        if state.name != known.name:
            continue  # it has only the port that the node had: it may be of another cluster
        if state.name == name:
            raise NameTaken(
                f"A process that answers at {known.peer} is node {name} already: give each a name of its own."
            )
        if state.secret_fingerprint and state.secret_fingerprint != secret:
            raise SecretDiffers(
                f"Node {state.name} signs with another secret: its sessions and keys would be good there alone. Give "
                "all nodes the same --secret-file; to change it, stop all of them first."
            )


def needs_snapshot(store: LogStore, keys: Keys, own: Position) -> int | None:
    """Behind which record a snapshot must be at least, for the log goes back no further; None: none is needed.

    Raises LogBehind and LogDiverged where this node has what the log has not, StoreError.
    """
    reader = LogReader(store, keys, sleep=time.sleep)
    try:
        waited_for(lambda: reader.read(own, 1), store)
    except RecordsTrimmed:
        return waited_for(lambda: _begins_behind(store, keys), store)
    return None


def _begins_behind(store: LogStore, keys: Keys) -> int:
    """The record before the first that the log has. Raises StoreError, LogDiverged."""
    reads = (Read(keys.logs, keys.logs_end, 1), Read(keys.head))
    first, head = store.transact(Transaction(then=reads), READ_S).reads
    return keys.record_number(first[0].key) - 1 if first else decode_head(head[0].value).n


def begin_with_snapshot(
    store: LogStore, keys: Keys, name: str, data: Path, from_n: int, tls: ssl.SSLContext | None
) -> None:
    """Make the folder `data` one that begins with the newest snapshot of another node. What it had is moved aside.

    Raises NoSnapshotFound, OSError, JournalError.
    """
    incoming = data / "incoming"
    shutil.rmtree(incoming, ignore_errors=True)
    try:
        path = _fetched(store, keys, name, from_n, incoming, tls)
        folder = SnapshotFolder(incoming)
        snapshot = folder.load(next(file for file in folder.files() if file.path == path))
        _move_aside(data)
        last = snapshot.last
        snapshots = SnapshotFolder(data / SNAPSHOTS)
        snapshots.folder.mkdir(mode=0o700)
        path.replace(snapshots.path_of(last))
        flush(snapshots.folder)
        flush(data)
        make_journal_behind(data / JOURNAL, last)  # last: a journal behind a snapshot that is not there is of no use
        with contextlib.closing(SqliteJournal(data / JOURNAL)) as journal:
            journal.note(Checkpoint(last.last_seq, snapshot.digest))
        log.info("begun with the snapshot of another node, behind record %d, seq %d", last.n, last.last_seq)
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _fetched(store: LogStore, keys: Keys, name: str, from_n: int, folder: Path, tls: ssl.SSLContext | None) -> Path:
    """A snapshot that proves right, from whichever node has one. Raises NoSnapshotFound."""
    notes = waited_for(lambda: Trimmer(store, keys).notes(), store)
    nodes = {state.name: state.peer for state in waited_for(lambda: nodes_of(store, keys), store)}
    addresses = [nodes.get(note.node, note.address) for note in notes if note.node != name]
    addresses += [peer for node, peer in nodes.items() if node != name and peer not in addresses]
    problems: list[str] = []
    for address in addresses:
        try:
            with contextlib.closing(PeerClient(address, tls)) as peer:
                path = peer.fetch_snapshot(from_n, folder)
            found = SnapshotFolder(folder)
            found.load(next(file for file in found.files() if file.path == path))
        except (PeerError, SnapshotError, OSError) as problem:
            problems.append(str(problem))
        else:
            return path
    raise NoSnapshotFound(
        f"The log begins behind record {from_n}, and no other node has given a snapshot: "
        f"{'; '.join(problems) or 'no other node is known'}."
    )


def _move_aside(data: Path) -> None:
    """What the folder has of another past keeps its place in a folder beside, as evidence. Raises OSError."""
    found = [path for path in data.iterdir() if path.name.startswith(DERIVED)]
    if not found:
        return
    aside = data / f"before-{time.strftime('%Y%m%dT%H%M%S')}"
    aside.mkdir(mode=0o700)
    for path in found:
        path.rename(aside / path.name)
    log.warning("what this folder had is too old to go on from, and is kept in %s", aside)


def catch_up(
    store: LogStore,
    keys: Keys,
    journal: SqliteJournal,
    apply: Callable[[BatchRecord], object],
    progress: Callable[[int], object],
) -> StoredHead:
    """Append to `journal` and give `apply` every record that the log has behind it; the head.

    They are durable in the log, so a page of them is flushed at once: by a flush each, a node on a busy machine comes
    up hardly faster than the writer writes. `progress` is called with the seq that was reached.
    Raises ClusterError, StoreError, JournalError.
    """
    reader = LogReader(store, keys, sleep=time.sleep)
    until = [time.monotonic() + START_S]

    def take(records: list[BatchRecord]) -> None:
        journal.append_all(records)
        for record in records:
            apply(record)
        until[0] = time.monotonic() + START_S
        progress(position_of(journal.last).seq)

    head = reader.read_pages_to_head(position_of(journal.last), take, lambda: time.monotonic() > until[0])
    if head is None:
        raise NoAnswer(f"The log has not answered for {START_S:.0f} s.")
    return head
