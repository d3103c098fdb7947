"""The server of a simulation: what `api/bootstrap.py` puts together, without Flask, sockets and native threads.

Real: sequencer, committer, codec, replay, record log, links to followers, clock, engine, order entry with duplicates,
memory, look-ups and answers, and the reads of the history. Simulated: the files of journal and history, the machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec
from greenlet import getcurrent

from api.http.bodies import body_of
from api.json.errors import ApiError, as_error, internal_error
from api.orders.duplicates import entry_command
from api.orders.entry import OrderEntry
from api.orders.lookup import OrderLookup
from api.orders.memory import OrderMemory
from api.orders.service import OrderService
from engine.commands import AdoptRulebook, Command, Deposit, EnterOrder, ListInstrument
from engine.digest import state_digest
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.rulebook import CURRENT_EDITION
from engine.types import AccountId, Seq
from history.access import HistoryAccess
from history.reader import HistoryReader
from journal.committer import Committer
from journal.port import Checkpoint
from loop.errors import StoreError
from loop.greenlets import Greenlets
from replica.archiver import Archiver
from replica.follower import OnRecord
from replica.frames import Position, State
from replica.link import FollowerLink
from replica.record_log import RecordLog
from replica.recovery import recover
from sequencer.clock import Clock
from sequencer.port import NotAccepting
from sequencer.sequencer import Sequencer
from sequencer.venue_clock import VenueClock
from tests.sim.disk import DiskJournal
from tests.sim.hub import Process, end_here, hub_here
from tests.sim.machine import Thread
from tests.sim.market import ACCOUNTS, FUNDS, INSTRUMENTS
from tests.sim.network import Request
from tests.sim.sockets import Connection

if TYPE_CHECKING:
    from tests.sim.simulation import Simulation

_encode = msgspec.json.Encoder().encode


class Server:
    """One process that serves, from its start to its end."""

    def __init__(self, simulation: Simulation, process: Process) -> None:
        """Recover what is on the disk, and take commands. Cooperative.

        Raises JournalError, OSError and NotAccepting where it cannot start.
        """
        parts = simulation.parts
        self.process = process
        self.links: list[FollowerLink] = []
        self._simulation = simulation
        hub = hub_here()
        self.journal: DiskJournal = parts.journal(simulation.disk, simulation.on_durable)
        memory = self._recover()
        exchange = self.exchange
        wall_ns, steady_ns = hub.wall_ns, lambda: hub.now_ns
        clock_ns = VenueClock(exchange.ts_ns, None, wall=wall_ns, steady=steady_ns, boot="one")
        self._clock_ns = clock_ns if simulation.plan.guards_clock else wall_ns
        records = self.records = RecordLog(self.journal, recent_bytes_max=simulation.plan.recent_bytes)
        self.committer: Committer = parts.committer(records)
        self.sequencer: Sequencer = parts.sequencer(
            exchange,
            self.committer,
            self.journal.last,
            clock=self._clock_ns,
            on_invariant_violation=self._stop_the_process,
            max_batch=simulation.plan.max_batch,
            max_waiting=simulation.plan.max_waiting,
        )
        self._archiver = Archiver(self.journal, None, self.committer.trim) if simulation.plan.trims else None
        history = simulation.history
        self.access = HistoryAccess(history, Seq(history.stored_seq) or None, self._hurry)  # type: ignore[arg-type]
        duplicates = parts.duplicates(exchange, memory, self._entered, history, self.access, self._clock_ns)
        self._lookup = OrderLookup(exchange, memory, HistoryReader(history, self.access))  # type: ignore[arg-type]
        self._service = OrderService(exchange, self.sequencer, self._lookup, duplicates, lambda _us, _orders: None)
        self._entry = OrderEntry(self._service, exchange)
        self._greenlets = Greenlets()
        self._clock = Clock(exchange, self.sequencer, self.sequencer.now_ns)
        for listener in (memory.on_applied, self._on_applied):
            self.sequencer.listen(listener)
        self.committer.start()
        self.sequencer.start()
        self._clock.start()
        self._open_venue()

    def _recover(self) -> OrderMemory:
        """The state behind the last record, as `api/bootstrap.py` comes to it."""
        results: list[CommandResult] = []
        memories: list[OrderMemory] = []

        def listeners(exchange: Exchange) -> list[OnRecord]:
            memory = OrderMemory(exchange.seq)
            memories.append(memory)
            return [lambda _, applied: memory.on_applied(applied), lambda _, applied: results.extend(applied)]

        recovered = recover(self.journal, self._simulation.snapshots.folder, listeners, lambda _seq: None)
        self.exchange = recovered.follower.exchange
        self._simulation.on_recovered(self, results)
        return memories[0]

    def _open_venue(self) -> None:
        """What happens before anybody's orders are taken."""
        exchange, submit_all = self.exchange, self.sequencer.submit_all
        opening: list[Command] = []
        if exchange.rulebook < CURRENT_EDITION:
            opening.append(AdoptRulebook(CURRENT_EDITION))
        opening += [ListInstrument(each) for each in INSTRUMENTS if each.symbol not in exchange.books]
        for account in ACCOUNTS:
            if not any(balance.deposited for balance in exchange.ledger.accounts.get(account, {}).values()):
                opening += [Deposit(account, asset, amount) for asset, amount in FUNDS.items()]
        if opening:
            submit_all(opening)

    def _entered(self, seq: Seq) -> EnterOrder | None:
        """The command of a seq, as `api/bootstrap.py` has it looked up."""
        return self.access.look_up(entry_command, self.journal, seq)

    def _on_applied(self, batch: list[CommandResult]) -> None:
        self._simulation.on_applied(self, batch)

    def _stop_the_process(self, violation: BaseException) -> NoReturn:
        self._simulation.violation("invariant", f"the process stopped itself: {violation!r}")
        end_here(self.process)
        raise violation

    # -- requests

    def take(self, request: Request) -> None:
        """A request came: handle it in a greenlet of its own. Called by the hub."""
        if request.kind == "enter" and not request.key:
            self._simulation.nameless[request.account] += 1
        self._greenlets.run(self._handle, request)

    def _handle(self, request: Request) -> None:
        self.process.greenlets.append(getcurrent())
        simulation, before = self._simulation, self.exchange.seq
        try:
            status, body = 200, self._answer(request)
        except (ApiError, NotAccepting, StoreError) as refusal:
            error = as_error(refusal)
            status, body = error.status, _encode(error.body())
        except Exception as bug:
            simulation.violation("front door", f"{request.kind} {request.key}: {bug!r}")
            status, body = 500, _encode(internal_error().body())
        simulation.on_answer(self, request, status, body, before)

    def _answer(self, request: Request) -> bytes:
        account, environ = AccountId(request.account), dict[str, Any]()
        match request.kind:
            case "enter":
                return self._entry.enter(environ, request.body, account)
            case "cancel":
                return self._entry.cancel(environ, request.body, account)
            case "amend":
                return self._entry.amend(environ, request.body, request.key, None, account)
            case "batch":
                return self._entry.batch(environ, request.body, account, lambda _more: None)
            case _:
                return body_of(self._lookup.order(request.key, account))

    # -- followers

    def follow(self, connection: Connection, on_said: Callable[[Position | State], object]) -> FollowerLink:
        """Serve a follower that has connected."""
        link = FollowerLink(connection, self.records, on_said)  # type: ignore[arg-type]
        self.links.append(link)
        Thread(self._serve, (link,)).start()
        return link

    def _serve(self, link: FollowerLink) -> None:
        self._simulation.trace("link", "ended: " + link.serve())
        self.links.remove(link)

    def on_historian_said(self, said: Position | State) -> None:
        """What the historian's host and `api/bootstrap.py` make of it."""
        if isinstance(said, Position):
            self.access.note(said.n, self.access.stored_seq if said.seq is None else Seq(said.seq), said.failure)
        else:
            self.committer.note(Checkpoint(said.seq, said.digest))
            if self._archiver is not None:
                self._archiver.cover(said.covered_n)

    def _hurry(self, seq: Seq) -> None:
        for link in self.links:
            link.hurry(seq)

    # -- the end

    def stop(self) -> None:
        """End as on SIGTERM: answer what waits, then let go of everything. Cooperative."""
        self._clock.stop()
        self.sequencer.stop()
        if self.exchange.seq:
            self.committer.note(Checkpoint(self.exchange.seq, state_digest(self.exchange)))
        self.committer.stop()
        for link in self.links:
            link.finish()
        self.journal.close()
