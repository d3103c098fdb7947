"""A node's time as the writer: from its claim until it is fenced, dies or lays it down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.append import Appender
from cluster.failures import AppendAbandoned, AppendRefused, ClusterError, Fenced, LogBehind
from cluster.keys import StoredHead
from cluster.link_server import LinkServer
from cluster.ownership import Claim
from cluster.records import Position, position_of
from cluster.store import StoreError
from cluster.take_over import take_over
from engine.commands import AdoptRulebook, AdvanceTime, Command, Deposit, ListInstrument, WriterChanged
from engine.exchange import Exchange
from engine.rulebook import CURRENT_EDITION
from journal.codec import BatchRecord, seal
from journal.committer import Committer
from journal.port import Checkpoint, JournalFailed
from projections.submissions import SubmissionWindow
from replica.follower import Follower
from sequencer.port import NotAccepting
from sequencer.sequencer import Sequencer
from tests.sim.hub import hub_here, spawn
from tests.sim.machine import sleep
from tests.sim.market import ACCOUNTS, FUNDS, INSTRUMENTS
from tests.sim_cluster.channels import SimulatedChannel

if TYPE_CHECKING:
    from tests.sim_cluster.node import Node

KEEP_S = 0.4
HEARTBEAT_S = 1.0


class LogJournal:
    """The `Journal` port over the replicated log, as far as a committer and a sequencer use it."""

    def __init__(self, writer: Writer, appender: Appender, last: BatchRecord) -> None:
        self.last = last
        self._writer = writer
        self._appender = appender

    def append(self, record: BatchRecord) -> None:
        """As `Journal.append`."""
        try:
            self._appender.append(record)
        except (Fenced, AppendAbandoned) as end:
            self._writer.fence(str(end))
            raise JournalFailed(str(end)) from end
        except AppendRefused as refusal:
            self._writer.node.simulation.count("append that was refused")
            self._writer.fence(str(refusal))
            raise JournalFailed(str(refusal)) from refusal
        except LogBehind as behind:
            self._writer.node.stop(f"LogBehind: {behind}")
        self.last = record

    def note(self, _checkpoint: Checkpoint) -> None:
        """Nothing is noted."""

    def trim(self, _until_n: int) -> None:
        """Nothing is trimmed here."""

    def tend(self, *, idle: bool) -> bool:  # noqa: ARG002 - the port's
        """Nothing is to be done."""
        return False

    def check(self) -> None:
        """It is always there."""


class Writer:
    """One epoch of one node."""

    def __init__(self, node: Node, claim: Claim) -> None:
        self.node = node
        self.claim = claim
        self.server: LinkServer | None = None
        self.is_over = False
        self._sequencer: Sequencer | None = None
        self._kept_at = node.steady_s()

    def start(self) -> None:
        """Begin: the lease is kept from now on, and the log is taken over."""
        spawn(self.node.process, self._keep_lease)
        spawn(self.node.process, self._run)

    def accept(self, channel: SimulatedChannel) -> None:
        """A front door has connected."""
        if self.server is not None:
            spawn(self.node.process, self.server._serve, channel, None)

    def fence(self, why: str) -> None:
        """It is over: somebody else may be the writer. From any thread."""
        if not self.is_over:
            self.is_over = True
            self.node.trace(f"writes no more: {why}")
            self.node.simulation.count("writer that was fenced")
            hub_here().call(self.node.process, 0.000_1, self._close)

    def resign(self) -> None:
        """Stand down: nothing more is taken, what waits is finished, then the ownership is given up."""
        if not self.is_over and self.server is not None:
            spawn(self.node.process, self._resign)

    def _resign(self) -> None:
        if self.server is not None:
            self.server.close()
        if self._sequencer is not None:
            self._sequencer.stop()
        self.fence("it was asked to stand down")
        try:
            self.node.owner_key().release(self.claim)
        except StoreError as error:
            self.node.trace(f"leaves its lease to end: {error}")

    def _close(self) -> None:
        spawn(self.node.process, self._end)

    def _end(self) -> None:
        if self.server is not None:
            self.server.close()
        if self._sequencer is not None:
            self._sequencer.stop()
            self._committer.stop()
        if self.node.writer is self:
            self.node.writer = None

    # -- ownership

    def _keep_lease(self) -> None:
        """The thread that keeps the lease."""
        node = self.node
        key = node.owner_key()
        while not self.is_over:
            try:
                asked_at = node.steady_s()
                if key.keep(self.claim) <= 0:
                    self.fence("the lease has ended")
                    return
                self._kept_at = asked_at
            except StoreError:
                pass  # the store's next member is its turn
            sleep(KEEP_S)

    # -- the time as the writer

    def _run(self) -> None:
        node = self.node
        try:
            self._take_over()
        except (Fenced, AppendRefused, AppendAbandoned) as end:
            self.fence(str(end))
        except ClusterError as error:
            node.stop(f"{type(error).__name__}: {error}")
        except Exception as bug:
            node.simulation.violation("writer", f"{node.boot}: {bug!r}")

    def _take_over(self) -> None:
        node, simulation = self.node, self.node.simulation
        parts = simulation.parts
        follower, window = node.own_copy()
        store, reader = node.store(), parts.reader(node.store(), simulation.keys, sleep=sleep)

        def apply(record: BatchRecord) -> None:
            follower.follow(record)
            window.note(record)

        def seal_change(at: Position) -> BatchRecord:
            changed = WriterChanged(node.name, self.claim.epoch)
            return seal(at.n + 1, max(node.wall_ns(), at.ts_ns), at.seq + 1, [changed], at.chain)

        def appender(head: StoredHead) -> Appender:
            return parts.appender(
                store,
                simulation.keys,
                self.claim.epoch,
                head,
                clock=node.steady_s,
                sleep=sleep,
                giving_up=lambda: self.is_over,
            )

        taken = take_over(
            self.claim, reader, position_of(follower.last), apply, appender, seal_change, lambda: self.is_over
        )
        if taken is None or follower.last is None:
            return
        self._open(follower, window, LogJournal(self, taken, follower.last))

    def _open(self, follower: Follower, window: SubmissionWindow, journal: LogJournal) -> None:
        node, simulation = self.node, self.node.simulation
        parts, plan = simulation.parts, simulation.plan
        self._committer: Committer = parts.committer(journal)
        sequencer: Sequencer = parts.sequencer(
            follower.exchange,
            self._committer,
            follower.last,
            clock=node.wall_ns,
            on_invariant_violation=node.stop_the_process,
            max_batch=plan.max_batch,
            max_waiting=plan.max_waiting,
            submissions=window,
        )
        self._sequencer = sequencer
        self._committer.start()
        sequencer.listen_failure(lambda: self.fence("the journal failed"))
        sequencer.start()
        self._open_venue(follower.exchange)
        if not self.is_over:
            self.server = parts.link_server(sequencer, follower.exchange, node=node.name, epoch=self.claim.epoch)
            node.trace(f"is the writer in epoch {self.claim.epoch}")
            simulation.on_writer(node, self.claim.epoch)
            self._beat(follower.exchange)

    def _open_venue(self, exchange: Exchange) -> None:
        """What happens once, before anybody's orders are taken."""
        opening: list[Command] = []
        if exchange.rulebook < CURRENT_EDITION:
            opening.append(AdoptRulebook(CURRENT_EDITION))
        opening += [ListInstrument(each) for each in INSTRUMENTS if each.symbol not in exchange.books]
        for account in ACCOUNTS:
            if account not in exchange.ledger.accounts:
                opening += [Deposit(account, asset, amount) for asset, amount in FUNDS.items()]
        if opening and self._sequencer is not None:
            try:
                self._sequencer.submit_all(opening)
            except NotAccepting:
                return

    def _beat(self, exchange: Exchange) -> None:
        """A record each second in which nothing else was."""
        seq = exchange.seq
        while not self.is_over and self._sequencer is not None:
            sleep(HEARTBEAT_S)
            if exchange.seq == seq and not self.node.simulation.is_quiet:
                try:
                    self._sequencer.submit(AdvanceTime())
                except NotAccepting:
                    return
            seq = exchange.seq
