"""Finds orders that came before under the same client order id, where the engine's memory no longer holds them.

Every order passes here, whichever way it comes (single, batch, feed, preview). For nearly all of them the engine's own
memory of the account is enough. Only when the account has forgotten orders, and its memory does not hold the client
order id, the history is searched before anything is sequenced. The command then says up to which seq was searched
(`looked_until`): if more is forgotten while it waits for its turn, the engine does not enter it.
Layer: api.orders.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

import eventlet
import msgspec
from eventlet.event import Event

from api.json.errors import RETRY_AFTER_S, ApiError
from engine.commands import EnterOrder
from engine.entry import same_request
from engine.exchange import Exchange
from engine.types import AccountId, OrderId, Seq, entry_of
from history.store import History
from history.writer import HistoryWriter
from journal.codec import open_batch
from journal.port import Journal
from logs.limit import limited

client_log = limited(logging.getLogger(__name__))

Name = tuple[AccountId, str]  # account, client order id

NOTHING_FORGOTTEN = Seq(0)


class EarlierOrder(msgspec.Struct, frozen=True):
    """An order that was entered long ago under a client order id that came again."""

    first: OrderId
    same: bool  # whether it was asked for with the same fields


class DuplicateLookup:
    """Looks for client order ids where the engine cannot. Every method is cooperative.

    Requests that come while the history answers others are answered together, by one query.
    """

    def __init__(self, exchange: Exchange, journal: Journal, history: History, writer: HistoryWriter) -> None:
        self._exchange = exchange
        self._journal = journal
        self._history = history
        self._writer = writer
        self._waiting: list[tuple[Sequence[Name], Event]] = []
        self._is_asking = False

    def check(self, commands: Sequence[EnterOrder], patience_s: float) -> list[EnterOrder | EarlierOrder | ApiError]:
        """For each order the command to sequence, the earlier order it repeats, or an error when that is unknown.

        O(1) each, and for those that the history must be asked for O(log orders), all of them together.
        """
        checked: list[EnterOrder | EarlierOrder | ApiError] = []
        unsure: list[int] = []
        now_ns = max(time.time_ns(), self._exchange.ts_ns)
        for command in commands:
            command_to_sequence = self._check_memory(command, now_ns)
            if command_to_sequence is None:
                unsure.append(len(checked))
            checked.append(command_to_sequence or command)
        if unsure:
            for index, found in zip(
                unsure, self._check_history([commands[i] for i in unsure], now_ns, patience_s), strict=True
            ):
                checked[index] = found
        return checked

    def _check_memory(self, command: EnterOrder, now_ns: int) -> EnterOrder | None:
        """The command to sequence, by the engine's memory alone; None when that does not know."""
        name, exchange = command.client_order_id, self._exchange
        if name is None:
            return command
        if command.symbol not in exchange.books:  # should it be listed before the order's turn, nothing was searched
            return msgspec.structs.replace(command, looked_until=NOTHING_FORGOTTEN)
        recent, account = exchange.recent, command.account
        if recent.named(account, name, now_ns) is not None:
            # found now; it must still be in memory when the command has its turn
            return msgspec.structs.replace(command, looked_until=NOTHING_FORGOTTEN)
        if recent.forgotten_until(account, now_ns):
            return None
        return msgspec.structs.replace(command, looked_until=exchange.seq)

    def _check_history(
        self, commands: Sequence[EnterOrder], now_ns: int, patience_s: float
    ) -> Sequence[EnterOrder | EarlierOrder | ApiError]:
        """What the history and the journal say of orders that the memory does not know."""
        until = max(self._exchange.recent.forgotten_until(command.account, now_ns) for command in commands)
        try:
            if not self._writer.wait(until, patience_s):
                return [_behind()] * len(commands)
            stored = self._writer.stored_seq
            firsts = self._ask([(command.account, command.client_order_id or "") for command in commands])
            return [
                msgspec.structs.replace(command, looked_until=stored)
                if first is None
                else self._compare(command, first)
                for command, first in zip(commands, firsts, strict=True)
            ]
        except Exception:  # whatever failed: while it is unknown whether the id was used, nothing is entered
            client_log.exception("the history could not be asked for a client order id")
            return [_behind()] * len(commands)

    def _compare(self, command: EnterOrder, first: OrderId) -> EarlierOrder:
        """Compare an order with the one that used its id first, as the journal has it."""
        asked = self._writer.look_up(entry_command, self._journal, Seq(entry_of(first)))
        return EarlierOrder(first, asked is not None and same_request(asked, command))

    def _ask(self, names: Sequence[Name]) -> Sequence[OrderId | None]:
        """The first order under each of these names; None for one that was not used."""
        answered = Event()
        self._waiting.append((names, answered))
        if not self._is_asking:
            self._is_asking = True
            eventlet.spawn(self._ask_for_all)
        firsts: Sequence[OrderId | None] = answered.wait()
        return firsts

    def _ask_for_all(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            names = [name for part, _ in waiting for name in part]
            try:
                firsts = self._writer.look_up(self._history.named_orders, names)
            except Exception as failure:  # passed on to the callers that wait
                for _, answered in waiting:
                    answered.send_exception(failure)
                continue
            start = 0
            for part, answered in waiting:
                answered.send(firsts[start : start + len(part)])
                start += len(part)
        self._is_asking = False


def entry_command(journal: Journal, seq: Seq) -> EnterOrder | None:
    """Command `seq` of the journal when it enters an order, else None. Blocks. O(log records). Raises JournalError."""
    record = journal.holding(seq)
    if record is None:
        return None
    command = open_batch(record)[seq - record.first_seq]
    return command if isinstance(command, EnterOrder) else None


def _behind() -> ApiError:
    return ApiError(
        503,
        "HISTORY_BEHIND",
        "Whether this client_order_id was used before is in the history of done orders, which is behind; nothing was "
        "entered, try again.",
        None,
        RETRY_AFTER_S,
    )
