"""A node: one thread that follows the log, keeps an eye on its writer, and becomes the writer when it is its turn.

    FOLLOWER -> CLAIMING -> WRITER -> FOLLOWER        and STOPPED, where the log differs from what this node has

The thread does all that waits for the log, but for the writer's own appends. What happens in the event loop (records
are applied, a term begins and ends) it asks for by `Surroundings`. A step that is not answered is tried again with the
next turn; what is safe is decided by the compares of the log alone.
Layer: cluster. One native thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from cluster.append import Appender
from cluster.challenge import Challenger, Ping
from cluster.failures import AppendAbandoned, AppendRefused, ClusterError, Fenced
from cluster.keys import Keys, Owner, StoredHead
from cluster.known_nodes import KnownNodes
from cluster.log_reader import LogReader
from cluster.ownership import LEASE_S, UNREADABLE, Claim, OwnerKey, Ownership
from cluster.peer_frames import NodeState
from cluster.probes import Probes
from cluster.records import Position, position_of
from cluster.roles import Step, View, next_step, rank_of, why_not
from cluster.store import LogStore, NoAnswer, StoreError
from cluster.take_over import take_over
from cluster.term import REFUSED_S, Term
from engine.commands import WriterChanged
from journal.codec import BatchRecord, seal
from journal.port import JournalError

log = logging.getLogger(__name__)

TURN_S: Final = 0.05  # that the thread waits for news of the log
READ_S: Final = 1.0  # between two reads of the log that nothing was heard of
OWNER_S: Final = 0.5  # between two looks at who owns it, in which nothing was heard
KEEP_S: Final = 0.4  # between two prolongations of the lease
PAUSE_S: Final = 0.1  # after a step that the log did not answer
TAKE_OVER_S: Final = LEASE_S * 0.75  # for reading to the head: the lease is not kept meanwhile
UNKNOWN_S: Final = 5.0  # that an owner of whom nothing is known has, before it counts as one that is silent
STAND_DOWN_S: Final = 15.0  # that a node which stood down does not stand again
BACKLOG_BYTES_MAX: Final = 32 * 2**20  # of records that were read and are not applied yet
RESIGN_S: Final = 3.0  # for what was taken to be durable, when a writer stands down


class Role(StrEnum):
    """What a node does."""

    FOLLOWER = "follower"
    CLAIMING = "claiming"  # it has claimed the log and is not open yet
    WRITER = "writer"
    REFUSED = "refused"  # it is the writer, and the log takes nothing
    STOPPED = "stopped"  # what it has differs from the log: a person decides


class Surroundings(Protocol):
    """What the process around a node does for it. Called in the node's thread; returns soon."""

    @property
    def backlog_bytes(self) -> int:
        """Of records that were delivered and are not applied yet."""

    def deliver(self, records: Sequence[BatchRecord]) -> None:
        """Apply and archive records that follow those before. Raises JournalError where the archive takes none."""

    def begin_term(self, term: Term) -> None:
        """Become the writer, behind `term.first`, which was delivered."""

    def end_term(self, term: Term, why: str, *, gracefully: bool) -> None:
        """Be the writer no more; `term.over` is set when it is done. `gracefully`: make durable what was taken."""

    def on_owner(self, owner: Ownership | None) -> None:
        """Another one owns the log, or nobody."""

    def on_stopped(self, problem: Exception) -> None:
        """The node goes on no more."""


class LogHealth(msgspec.Struct, frozen=True):
    """How the log answers this node."""

    silent_since: float | None = None  # monotonic seconds; None: it answers
    problem: str | None = None


class Node:
    """The role of this process. `start` it; what is not said otherwise is for any thread."""

    def __init__(
        self,
        store: LogStore,
        appending: LogStore,
        keys: Keys,
        me: Owner,
        nodes: KnownNodes,
        probes: Probes,
        around: Surroundings,
        behind: Position,
        clock: Callable[[], int],
    ) -> None:
        """`behind`: what this node has. `clock` gives epoch nanoseconds; both stores are this node's alone."""
        self._store, self._appending, self._keys, self._me = store, appending, keys, me
        self._nodes, self._probes, self._around, self._clock = nodes, probes, around, clock
        self._reader = LogReader(store, keys, sleep=time.sleep)
        self._owner_key = OwnerKey(store, keys, me)
        self._head_watch = store.watch(keys.head)
        self._owner_watch = store.watch(keys.owner)
        self._position = behind
        self._head: StoredHead | None = None
        self._owner: Ownership | None = None
        self._vacant_since = self._owner_since = time.monotonic()
        self._read_at = self._owner_at = self._kept_at = 0.0
        self._rank = 0
        self._challenger = Challenger(0)
        self._challenged_at: float | None = None
        self._record_apart: int | None = None  # nanoseconds of the clock ahead of the newest record's time
        self._term: Term | None = None
        self._claim_refused: Term | None = None  # a term that the log refused: its claim goes on
        self._stand_down_until = 0.0
        self._resigning = self._closing = False
        self._poked = threading.Event()
        self.role = Role.FOLLOWER
        self.health = LogHealth()
        self.current_at = time.monotonic()  # when this node knew last that it had all records
        self._thread = threading.Thread(target=self._run, name="node", daemon=True)

    def start(self) -> None:
        """Begin to follow, and to stand."""
        self._thread.start()

    @property
    def owner(self) -> Ownership | None:
        """Who owns the log, as far as this node knows."""
        return self._owner

    @property
    def epoch(self) -> int:
        """Of the ownership that this node knows of; 0: none."""
        owner = self._owner
        return 0 if owner is None else owner.epoch

    @property
    def is_next(self) -> bool:
        """Whether nobody owns the log, as far as this node knows, and it is the first that would claim it."""
        return self._owner is None and self._rank == 0 and self.why_not is None

    @property
    def behind(self) -> int | None:
        """Records that this node has not, of those that it knows of; None: not known."""
        head = self._head
        return None if head is None else max(0, head.n - self._position.n)

    @property
    def why_not(self) -> str | None:
        """Why it does not stand for writer, in words; None where it may."""
        return why_not(self._view())

    def poke(self) -> None:
        """Something has changed that it waits for."""
        self._poked.set()

    def stand_down(self, for_s: float = STAND_DOWN_S) -> None:
        """Lay down the ownership, where this is the writer, and do not stand for so long."""
        self._stand_down_until = time.monotonic() + for_s
        self.poke()

    def ask_to_end(self) -> None:
        """Stand down, follow no more, and say that this node is gone. Returns at once."""
        self._stand_down_until = float("inf")
        self._closing = True
        self.poke()

    @property
    def is_running(self) -> bool:
        """Whether the thread has not ended."""
        return self._thread.is_alive()

    # -- in the thread

    def _run(self) -> None:
        try:
            while not (self._closing and self._term is None and self._claim_refused is None):
                self._turn_or_note()
            self._nodes.withdraw()
        except (ClusterError, JournalError) as problem:
            self._stop(problem)
        except Exception as bug:  # of ours: a node that does not know what it does does nothing
            log.exception("the node has failed")
            self._stop(bug)
        finally:
            self._head_watch.close()
            self._owner_watch.close()

    def _stop(self, problem: Exception) -> None:
        self.role = Role.STOPPED
        if self._term is not None:
            self._around.end_term(self._term, str(problem), gracefully=False)
        self._around.on_stopped(problem)

    def _turn_or_note(self) -> None:
        try:
            self._turn()
        except StoreError as problem:
            if self.health.silent_since is None:
                log.warning("the log does not answer: %s", problem)
            self.health = LogHealth(self.health.silent_since or time.monotonic(), str(problem))
            if not isinstance(problem, NoAnswer):  # else who asked speaks to the next one already
                self._store.next_member()
            self._poked.wait(PAUSE_S)

    def _turn(self) -> None:
        """One round: read what is new, look after the owner, take the step that is due. Raises StoreError."""
        if self._term is not None:
            self._keep(self._term)  # before all that may wait for an answer
        self._nodes.tend(self.state())
        if self._term is not None:
            self._write(self._term)
        elif self._claim_refused is not None:
            self._go_on(self._claim_refused)
        else:
            self._follow()
            step = next_step(self._view())
            if step is Step.CHALLENGE and self._owner is not None:
                self._challenge(self._owner)
            elif step is Step.STAND:
                self._stand()
            elif step in (Step.WRITE, Step.RESIGN) and self._owner is not None:
                self._owner_key.challenge(self._owner.epoch)  # a claim that this process has given up
        if self.health.silent_since is not None:
            log.info("the log answers again")
            self.health = LogHealth()

    def _follow(self) -> None:
        woken = self._head_watch.wait(0 if self._poked.is_set() else TURN_S)
        self._poked.clear()
        now = time.monotonic()
        if woken or now - self._read_at >= READ_S or self.behind:
            self._read()
        if self._owner_watch.wait(0) or now - self._owner_at >= OWNER_S:
            self._see_owner()
        if self._owner is not None:
            for ping in self._pings(self._owner):
                self._challenger.record(self._owner.epoch, ping, now)

    def _pings(self, owner: Ownership) -> list[Ping]:
        """What became of each question to the owner since this was called last.

        One of whom no address is known is never asked: its lease ends it, or that the nodes were read when it had owned
        the log for long enough, and it was none of them.
        """
        peer = self._nodes.peer_of(owner.owner.node)
        if peer:
            return self._probes.pings(peer)
        return [Ping.REFUSED] if self._nodes.known_at >= self._owner_since + UNKNOWN_S else []

    def _read(self) -> None:
        """Take one page of records. Raises StoreError, and a ClusterError where this node cannot follow."""
        if self._around.backlog_bytes > BACKLOG_BYTES_MAX:
            return
        had_all = self.behind == 0
        try:
            page = self._reader.read(self._position)
        except NoAnswer:
            self._store.next_member()
            raise
        self._read_at = time.monotonic()
        if page.records:
            self._deliver(page.records)
            self._challenger.wrote(page.head.head.epoch, self._read_at)
            if had_all:
                self._record_apart = self._clock() - page.records[-1].ts_ns
        self._head = page.head
        if self._position.n == page.head.n and page.records:
            self.current_at = self._read_at

    def _deliver(self, records: Sequence[BatchRecord]) -> None:
        self._around.deliver(records)
        self._position = position_of(records[-1])

    def _see_owner(self) -> None:
        before, self._owner = self._owner, self._owner_key.current()
        self._owner_at = time.monotonic()
        if self._owner == before:
            return
        if self._owner is None:
            self._vacant_since = self._owner_at
        elif self._owner.owner == UNREADABLE:
            log.error(
                "%s cannot be read, and no node puts such a value: its epoch %d ends with its lease, or is ended in "
                "%.0f s. Find out who writes there; to end it at once: etcdctl del %s",
                self._keys.owner, self._owner.epoch, UNKNOWN_S, self._keys.owner,
            )  # fmt: skip
        self._owner_since = self._owner_at
        self._around.on_owner(self._owner)

    def _view(self) -> View:
        owner, now = self._owner, time.monotonic()
        heard = self._probes.heard()
        rank = rank_of(self._me.node, [h.state.name for h in heard if self._may_stand(h.state, owner)])
        if rank != self._rank:
            self._rank, self._challenger = rank, Challenger(rank)
        apart = [each.apart_ns for each in heard]
        if self._record_apart is not None and len(apart) < 2:  # else a writer whose clock was wrong, and they say so
            apart.append(self._record_apart)
        return View(
            now=now,
            name=self._me.node,
            boot=self._me.boot_id,
            owner=None if owner is None else (owner.owner.node, owner.owner.boot_id),
            vacant_since=self._vacant_since,
            behind=self.behind,
            rank=rank,
            challenge_is_due=owner is not None and self._challenger.is_due(owner.epoch, now),
            challenged_at=self._challenged_at,
            clock_apart=apart,
            stands_down=now < self._stand_down_until,
        )

    def _may_stand(self, state: NodeState, owner: Ownership | None) -> bool:
        is_owner = owner is not None and owner.owner.node == state.name
        return not is_owner and state.why_not is None and self._probes.answers(state.peer)

    # -- becoming the writer

    def _challenge(self, owner: Ownership) -> None:
        self._challenged_at = time.monotonic()
        name = owner.writer or "of a name that cannot be read"
        log.warning("node %s does not answer as the writer of epoch %d: challenged", name, owner.epoch)
        self._challenger.challenged()
        self._owner_key.challenge(owner.epoch)
        self._see_owner()

    def _stand(self) -> None:
        """Claim the log and, where that succeeds, become its writer. Raises StoreError."""
        claim = self._owner_key.claim()
        if claim is None:
            self._see_owner()
            return
        log.info("node %s has claimed the log, epoch %d", self._me.node, claim.epoch)
        self.role, self._kept_at = Role.CLAIMING, time.monotonic()
        self._owner = Ownership(self._me, claim.epoch)
        self._around.on_owner(self._owner)
        try:
            self._term = self._taken_over(claim)
        except Fenced as fenced:
            log.info("the claim of epoch %d has ended: %s", claim.epoch, fenced)
        finally:
            if self._term is None:
                self.role = Role.FOLLOWER
                self._owner_key.release(claim)
                self._see_owner()
        if self._term is not None:
            self._around.begin_term(self._term)
            self.role = Role.WRITER

    def _taken_over(self, claim: Claim) -> Term | None:
        """Read to the head, append the record that dates the take-over. Raises Fenced, StoreError, ClusterError."""
        until, giving_up = time.monotonic() + TAKE_OVER_S, threading.Event()
        records: list[BatchRecord] = []

        def is_given_up() -> bool:
            return giving_up.is_set() or (self._term is None and time.monotonic() > until)

        def apply(record: BatchRecord) -> None:
            records.append(record)
            self._deliver([record])

        def appender(head: StoredHead) -> Appender:
            return Appender(
                self._appending,
                self._keys,
                claim.epoch,
                head,
                clock=time.monotonic,
                sleep=time.sleep,
                giving_up=is_given_up,
            )

        try:
            writer = take_over(
                self._reader,
                self._position,
                apply,
                appender,
                lambda at: self._first_record(claim, at),
                is_given_up,
            )
        except (AppendRefused, AppendAbandoned) as refusal:
            log.warning("the log takes no record: %s", refusal)
            return None
        if writer is None:
            return None
        self._head = writer.head
        return Term(claim, writer, records[-1], giving_up)

    def _first_record(self, claim: Claim, at: Position) -> BatchRecord:
        changed = WriterChanged(self._me.node, claim.epoch)
        return seal(at.n + 1, max(self._clock(), at.ts_ns), at.seq + 1, [changed], at.chain)

    # -- being the writer

    def _keep(self, term: Term) -> None:
        """Keep the lease, where that is due: again with the next turn where it is not answered. Raises StoreError."""
        now = time.monotonic()
        if now - self._kept_at >= KEEP_S:
            if self._owner_key.keep(term.claim) <= 0:
                self._around.end_term(term, "its lease has ended", gracefully=False)
            self._kept_at = now

    def _write(self, term: Term) -> None:
        """Look after the ownership, until the term is over. Raises StoreError."""
        self._poked.wait(TURN_S)
        self._poked.clear()
        if term.over.is_set():
            self._after(term)
            return
        now = time.monotonic()
        self.current_at = now - term.appender.waiting_s
        if now < self._stand_down_until and not self._resigning:
            self._resigning = True
            log.info("node %s stands down as the writer of epoch %d", self._me.node, term.claim.epoch)
            self._around.end_term(term, "it stands down", gracefully=True)
            patience = threading.Timer(RESIGN_S, term.giving_up.set)
            patience.daemon = True
            patience.start()
        if self._owner_watch.wait(0) or now - self._owner_at >= OWNER_S:
            self._see_owner()
            if self._owner is None or self._owner.epoch != term.claim.epoch:
                self._around.end_term(term, "another writer may own the log", gracefully=False)

    def _after(self, term: Term) -> None:
        """A term is over: follow from where it was, or go on with the same claim where the log had said no."""
        self._term, self._resigning = None, False
        self._position = position_of(term.last)
        self._head = None
        if term.was_refused and not self._closing:
            self.role, self._claim_refused = Role.REFUSED, term
            return
        self.role = Role.FOLLOWER
        try:
            self._owner_key.release(term.claim)
        finally:  # what the log does not answer ends with the lease
            if isinstance(term.failure, JournalError):  # of this node's own archive
                raise term.failure
        self._see_owner()

    def _go_on(self, term: Term) -> None:
        """Try to write by the claim of a term that was refused. Raises StoreError, ClusterError."""
        self._poked.wait(REFUSED_S)
        self._poked.clear()
        try:
            if self._closing or time.monotonic() < self._stand_down_until or self._owner_key.keep(term.claim) <= 0:
                raise Fenced("the claim is given up")
            term.giving_up.clear()  # of the term before
            record = self._first_record(term.claim, term.appender.head.head.position)
            term.appender.append(record)
        except AppendRefused:
            return
        except (Fenced, AppendAbandoned) as fenced:
            log.info("the claim of epoch %d has ended: %s", term.claim.epoch, fenced)
            self._claim_refused, self.role = None, Role.FOLLOWER
            self._owner_key.release(term.claim)
            self._see_owner()
        else:
            self._claim_refused = None
            self._deliver([record])
            self._head = term.appender.head
            self._term, self.role = Term(term.claim, term.appender, record, term.giving_up), Role.WRITER
            self._around.begin_term(self._term)

    def state(self) -> NodeState:
        """What this node says of itself, but for what the event loop knows."""
        return NodeState(
            name=self._me.node,
            boot=self._me.boot_id,
            role=self.role,
            epoch=self.epoch,
            n=self._position.n,
            seq=self._position.seq,
            behind=self.behind,
            wall_ns=self._clock(),
            link=self._me.address,
            why_not=self.why_not,
        )
