"""Whether an order came before: what the engine's memory no longer holds, the history is asked for first.

Every way in (single, batch, feed, preview) passes here. An account's memory answers for nearly every order, in the
engine; only of an account that has forgotten orders, and only for a client order id that its memory does not hold,
the history is looked at before anything is sequenced. The command then says up to where was looked: should more be
forgotten while it waits for its turn, the engine does not enter it.
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

log = logging.getLogger(__name__)

Name = tuple[AccountId, str]  # account, client order id

NOTHING_FORGOTTEN = Seq(0)


class Found(msgspec.Struct, frozen=True):
    """An order that was entered long ago under the client order id that came again."""

    first: OrderId
    same: bool  # or it was asked for with other fields


class Repetitions:
    """Looks for client order ids where the engine cannot. Every method is cooperative."""

    def __init__(self, exchange: Exchange, journal: Journal, history: History, writer: HistoryWriter) -> None:
        self._exchange = exchange
        self._journal = journal
        self._history = history
        self._writer = writer
        self._waiting: list[tuple[Sequence[Name], Event]] = []
        self._asking = False

    def look(self, commands: Sequence[EnterOrder], patience_s: float) -> list[EnterOrder | Found | ApiError]:
        """For each order what to sequence, or which order it repeats, or why nobody knows just now.

        O(1) each, and for those that the history must be asked for O(log orders), all of them together.
        """
        looked: list[EnterOrder | Found | ApiError] = []
        unsure: list[int] = []
        now_ns = max(time.time_ns(), self._exchange.ts_ns)
        for command in commands:
            known = self._known(command, now_ns)
            if known is None:
                unsure.append(len(looked))
            looked.append(known or command)
        if unsure:
            for index, found in zip(
                unsure, self._unsure([commands[i] for i in unsure], now_ns, patience_s), strict=True
            ):
                looked[index] = found
        return looked

    def _known(self, command: EnterOrder, now_ns: int) -> EnterOrder | None:
        """The command as memory lets it be sequenced; None when it does not know."""
        name, exchange = command.client_order_id, self._exchange
        if name is None:
            return command
        if command.symbol not in exchange.books:  # should it be listed before the order's turn, nobody looked
            return msgspec.structs.replace(command, looked_until=NOTHING_FORGOTTEN)
        recent, account = exchange.recent, command.account
        if recent.named(account, name, now_ns) is not None:
            # it is there, and must be there yet when the command has its turn
            return msgspec.structs.replace(command, looked_until=NOTHING_FORGOTTEN)
        if recent.forgotten_until(account, now_ns):
            return None
        return msgspec.structs.replace(command, looked_until=exchange.seq)

    def _unsure(
        self, commands: Sequence[EnterOrder], now_ns: int, patience_s: float
    ) -> Sequence[EnterOrder | Found | ApiError]:
        """What the history and the journal say of orders that memory says nothing of."""
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
        except Exception:  # whatever it is: while nobody knows, nothing is entered
            log.exception("the history could not be asked for a client order id")
            return [_behind()] * len(commands)

    def _compare(self, command: EnterOrder, first: OrderId) -> Found:
        """Lay an order beside the one that used its id first, as it stands in the journal."""
        asked = self._writer.look_up(entered_as, self._journal, Seq(entry_of(first)))
        return Found(first, asked is not None and same_request(asked, command))

    def _ask(self, names: Sequence[Name]) -> Sequence[OrderId | None]:
        """The first orders under these names; all who ask while the history answers others are answered together."""
        answered = Event()
        self._waiting.append((names, answered))
        if not self._asking:
            self._asking = True
            eventlet.spawn(self._ask_for_all)
        firsts: Sequence[OrderId | None] = answered.wait()
        return firsts

    def _ask_for_all(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            names = [name for part, _ in waiting for name in part]
            try:
                firsts = self._writer.look_up(self._history.named_orders, names)
            except Exception as failure:  # it belongs to those who asked
                for _, answered in waiting:
                    answered.send_exception(failure)
                continue
            start = 0
            for part, answered in waiting:
                answered.send(firsts[start : start + len(part)])
                start += len(part)
        self._asking = False


def entered_as(journal: Journal, seq: Seq) -> EnterOrder | None:
    """How the order was asked for that the command `seq` entered. Blocks. O(log records). Raises JournalError."""
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
