"""What a node does in the event loop: records are applied, and a term of the writer begins and ends.

    following: log -> node's thread -> here -> exchange          submissions -> link -> the writer elsewhere
    writing:   submissions (ours, and of doors by the link) -> sequencer -> log -> exchange

One exchange, one window of submissions and one publication serve both; the two never apply at the same time.
Layer: cluster. For the event loop's thread, but what says that it is the node's.
"""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, NoReturn, Protocol

import eventlet
from greenlet import getcurrent

from cluster.archive import Archive
from cluster.channel import Channel, connect_tcp
from cluster.journal import ClusterJournal
from cluster.link_client import WriterLink
from cluster.link_server import LinkServer
from cluster.node_sequencer import NodeSequencer
from cluster.ownership import Ownership
from cluster.peer_client import PeerError, split_address
from cluster.term import Term
from engine.commands import AdvanceTime
from engine.exchange import Exchange
from journal.codec import BatchRecord
from journal.committer import Committer
from loop.bridge import Bridge
from projections.submissions import SubmissionWindow
from replica.follower import Follower
from replica.frames import Record
from sequencer.port import NotAccepting, OutcomeUnknown
from sequencer.sequencer import Sequencer

log = logging.getLogger(__name__)

HEARTBEAT_S: Final = 1.0  # without a record, before the writer makes one
LOOP_TICK_S: Final = 0.25
APPLIED_S: Final = 5.0  # that what was delivered may take to be applied before a term begins
FENCED_S: Final = 1.0  # for an append under way to be answered, when another writer may own the log
APPLIED_CHECK_S: Final = 0.002


class WriterTasks(Protocol):
    """What is done by the writer alone, beside sequencing: it keeps the time and the schedules."""

    def begin(self) -> None:
        """Do what fell due while nobody did, and go on with it. Cooperative. Raises NotAccepting, OutcomeUnknown."""

    def end(self) -> None:
        """Do it no more. Idempotent."""


class HostOptions:
    """How a node is served. One for each node."""

    def __init__(
        self,
        *,
        node: str,
        boot: str,
        max_batch: int,
        max_waiting: int,
        listening: socket.socket,
        server_tls: ssl.SSLContext | None,
        client_tls: ssl.SSLContext | None,
        on_invariant_violation: Callable[[BaseException], NoReturn],
        on_stopped: Callable[[Exception], object],
    ) -> None:
        """`listening`: for front doors, while this is the writer. `on_stopped`: the node goes on no more."""
        self.node, self.boot = node, boot
        self.max_batch, self.max_waiting = max_batch, max_waiting
        self.listening, self.server_tls, self.client_tls = listening, server_tls, client_tls
        self.on_invariant_violation, self.on_stopped = on_invariant_violation, on_stopped


class NodeHost:
    """The event loop's side of a node: `Surroundings` of `cluster.node`."""

    def __init__(
        self,
        options: HostOptions,
        archive: Archive,
        exchange: Exchange,
        last: BatchRecord | None,
        submissions: SubmissionWindow,
        clock: Callable[[], int],
    ) -> None:
        """`exchange` has applied `last`, and `submissions` has noted it."""
        self._options = options
        self._archive = archive
        self._exchange = exchange
        self._clock = clock
        self._bridge = Bridge()
        self._owner: Ownership | None = None
        self._link = WriterLink(self._connect, options.node)
        self.sequencer = NodeSequencer(
            Follower(exchange, last),
            submissions,
            self._link,
            clock=clock,
            on_invariant_violation=options.on_invariant_violation,
            max_waiting=options.max_waiting,
            node_refusal=self._why_refused,
            takes_cancels_only=self._has_little_space,
        )
        self.refusal: Callable[[], str | None] = lambda: None
        self.takes_cancels_only: Callable[[], bool] = lambda: False
        self.tasks: WriterTasks | None = None
        self.poke: Callable[[], None] = lambda: None  # the node's
        self.history_seq: Callable[[], int] = lambda: 0
        self.on_role: Callable[[], object] = lambda: None  # called when a term has begun or ended
        self.on_appended: Callable[[float], object] = lambda seconds: None  # in the committer's thread
        self._posted_bytes = 0  # counts up in the node's thread
        self._taken_bytes = 0  # and this one in the event loop's
        self._term: Term | None = None
        self._ending: Term | None = None
        self._journal: ClusterJournal | None = None
        self._committer: Committer | None = None
        self._local: Sequencer | None = None
        self._doors: LinkServer | None = None
        self._greenlets: list[Any] = []  # of a term
        self._ticker: Any = None
        self._ticked_at = time.monotonic()

    def start(self) -> None:
        """Begin to apply what is delivered."""
        self._bridge.open()
        self._archive.start()
        self._ticker = eventlet.spawn(self._tick)
        self.sequencer.start()

    def close(self) -> None:
        """End, when the node's thread has. Idempotent."""
        self.sequencer.stop()
        if self._ticker is not None:
            self._ticker.kill()
            self._ticker = None
            self._archive.stop()
            self._bridge.close()

    @property
    def journal(self) -> ClusterJournal | None:
        """Of the term that there is; None while another node writes. From any thread."""
        return self._journal

    @property
    def doors(self) -> list[str]:
        """The nodes that send their commands here just now."""
        return [] if self._doors is None else self._doors.doors

    @property
    def loop_age_s(self) -> float:
        """How long ago the event loop went round. From any thread."""
        return max(0.0, time.monotonic() - self._ticked_at - LOOP_TICK_S)

    @property
    def applied(self) -> tuple[int, int]:
        """The newest record that is applied, and its last command. From any thread."""
        journal = self._journal
        n = self.sequencer.applied_n if journal is None else journal.last.n
        return n, self._exchange.seq

    # -- Surroundings, in the node's thread

    @property
    def backlog_bytes(self) -> int:
        """Of records that were delivered and are not applied yet."""
        return self._posted_bytes - self._taken_bytes + self.sequencer.backlog_bytes

    def deliver(self, records: Sequence[BatchRecord]) -> None:
        """Apply and archive records that follow those before. Raises JournalFailed."""
        size = sum(len(record.body) for record in records)
        self._posted_bytes += size
        self._bridge.post(partial(self._delivered, [Record(record) for record in records], size))
        for record in records:
            self._archive.put(record)

    def begin_term(self, term: Term) -> None:
        """Become the writer, behind `term.first`, which was delivered."""
        self._bridge.post(partial(eventlet.spawn_n, self._begin, term))

    def end_term(self, term: Term, why: str, *, gracefully: bool) -> None:
        """Be the writer no more; `term.over` is set when it is done."""
        self._bridge.post(partial(eventlet.spawn_n, self._end, term, why, gracefully))

    def on_owner(self, owner: Ownership | None) -> None:
        """Another one owns the log, or nobody."""
        self._bridge.post(partial(self._note_owner, owner))

    def on_stopped(self, problem: Exception) -> None:
        """The node goes on no more."""
        self._bridge.post(partial(self._options.on_stopped, problem))

    # -- in the event loop

    def _why_refused(self) -> str | None:
        return self.refusal()

    def _has_little_space(self) -> bool:
        return self.takes_cancels_only()

    def _tick(self) -> None:
        while True:
            self._ticked_at = time.monotonic()
            eventlet.sleep(LOOP_TICK_S)

    def _delivered(self, records: list[Record], size: int) -> None:
        self.sequencer.deliver(records)
        self._taken_bytes += size

    def _note_owner(self, owner: Ownership | None) -> None:
        before, self._owner = self._owner, owner
        if owner is not None and owner != before:
            self._link.reconnect()

    def _connect(self) -> Channel:
        """A channel to the writer. Cooperative. Raises OSError where there is none, or this is it."""
        owner = self._owner
        if owner is None:
            raise OSError("nobody owns the log")
        if owner.owner.boot_id == self._options.boot:
            raise OSError("this node owns the log")
        try:
            host, port = split_address(owner.owner.address)
        except PeerError as problem:  # the owner's key cannot be read, or has no address
            raise OSError(str(problem)) from problem
        return connect_tcp(host, port, self._options.client_tls)

    def _begin(self, term: Term) -> None:
        """Open a term, once everything before it is applied; where it cannot be opened, it is over."""
        self._term = term
        if not self._has_applied(term):
            self._over(term, None, term.first)
            return
        try:
            self._open(term)
        except Exception:  # the machine's, such as for want of descriptors, or ours: another node may do better
            log.exception("the term of epoch %d could not be opened", term.claim.epoch)
            if self._local is None:
                self._journal = self._committer = None
                self._over(term, None, term.first)
            else:
                self._end(term, "it could not be opened", False)

    def _has_applied(self, term: Term) -> bool:
        """Wait until everything before a term is applied; whether it is, and the term is not to end already."""
        until = time.monotonic() + APPLIED_S
        while self.sequencer.applied_n < term.first.n or self.sequencer.backlog_bytes:
            if time.monotonic() > until or self._ending is term:
                return False
            eventlet.sleep(APPLIED_CHECK_S)
        return self._ending is not term

    def _open(self, term: Term) -> None:
        listening = self._options.listening.dup()
        listening.setblocking(False)
        options = self._options
        journal = self._journal = ClusterJournal(
            term.appender, self._archive, term.first, self.on_appended, partial(self._on_failed, term)
        )
        committer = self._committer = Committer(journal)
        committer.start()
        local = self._local = Sequencer(
            self._exchange,
            committer,
            term.first,
            clock=self._clock,
            on_invariant_violation=options.on_invariant_violation,
            max_batch=options.max_batch,
            max_waiting=options.max_waiting,
            submissions=self.sequencer.submissions,
            publication=self.sequencer.publication,
        )
        local.start()
        doors = self._doors = LinkServer(
            local, self._exchange, node=options.node, epoch=term.claim.epoch, history_seq=self.history_seq
        )
        self.sequencer.attach(local)
        doors.serve(listening, options.server_tls)
        self._greenlets = [eventlet.spawn(self._keep_beating, local), eventlet.spawn(self._begin_tasks, term)]
        log.info("node %s is the writer, epoch %d, behind record %d", options.node, term.claim.epoch, term.first.n)
        self.on_role()

    def _begin_tasks(self, term: Term) -> None:
        if self.tasks is None:
            return
        self.sequencer.beginner = getcurrent()
        try:
            self.tasks.begin()
        except (NotAccepting, OutcomeUnknown) as problem:
            log.warning("what the writer of epoch %d does beside could not be begun: %s", term.claim.epoch, problem)
        except Exception:  # such as a listing that is refused: orders of what is listed go on
            log.exception("what the writer of epoch %d does beside could not be begun", term.claim.epoch)

    def _keep_beating(self, local: Sequencer) -> None:
        """Have a record made each second that nothing else was, by which followers know that they have all."""
        seq = 0
        while True:
            eventlet.sleep(HEARTBEAT_S)
            if self._exchange.seq == seq and not local.waiting_commands:
                try:
                    local.submit(AdvanceTime())
                except NotAccepting:
                    return
            seq = self._exchange.seq

    def _on_failed(self, term: Term, failure: Exception) -> None:
        """In the committer's thread: the log, or this node's own journal, takes nothing more of this term."""
        self._bridge.post(partial(eventlet.spawn_n, self._end, term, str(failure), False))

    def _end(self, term: Term, why: str, gracefully: bool) -> None:  # by a partial
        if term is not self._term or self._ending is term:
            return
        self._ending = term
        log.warning("node %s writes no more in epoch %d: %s", self._options.node, term.claim.epoch, why)
        local, journal, committer = self._local, self._journal, self._committer
        if local is None or journal is None or committer is None:
            return  # it has not begun, and sees this
        if self.tasks is not None:
            try:
                self.tasks.end()
            except Exception:  # ours: the term ends all the same
                log.exception("what the writer does beside could not be ended")
        for greenlet in self._greenlets:
            greenlet.kill()
        self._greenlets = []
        if self._doors is not None:
            self._doors.close()
            self._doors = None
        patience = None
        if not gracefully:  # the next try of what is under way says whether it landed; for a while
            patience = eventlet.spawn_after(FENCED_S, term.giving_up.set)
        local.stop()
        committer.stop()
        if patience is not None:
            patience.cancel()  # nothing is under way any more, and the same claim may go on
        self._local = self._journal = self._committer = None
        self.sequencer.detach(journal.last)
        self._over(term, journal.failure, journal.last)

    def _over(self, term: Term, failure: Exception | None, last: BatchRecord) -> None:
        term.failure, term.last = failure, last
        self._term = self._ending = None
        term.over.set()
        self.poke()
        self.on_role()
