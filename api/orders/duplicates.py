"""Finds orders that came before under the same client order id, where the engine's memory no longer holds them.

Every order passes here, whichever way it comes (single, batch, feed, preview). For nearly all of them the engine's own
memory of the account is enough. Only when the account has forgotten orders, and its memory does not hold the client
order id, the newest done orders (`OrderMemory`) and then the history are searched before anything is sequenced. The
history need not have stored more than what neither memory holds. The command then says up to which seq was searched
(`looked_until`): if more is forgotten while it waits for its turn, the engine does not enter it.
Layer: api.orders.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import eventlet
import msgspec
from eventlet.event import Event

from api.json.errors import RETRY_AFTER_S, ApiError
from api.orders.memory import OrderMemory
from engine.commands import EnterOrder
from engine.entry import same_request
from engine.exchange import Exchange
from engine.types import AccountId, OrderId, Seq, entry_of
from history.access import READ_S, HistoryAccess
from history.store import History
from journal.codec import BatchRecord, open_batch
from journal.port import Journal, RecordsDropped
from logs.limit import limited
from loop.errors import StoreAway

client_log = limited(logging.getLogger(__name__))

Entered = Callable[[Seq], EnterOrder | None]
Name = tuple[AccountId, str]  # account, client order id

NOTHING_FORGOTTEN = Seq(0)
ASKED_S = 2 * READ_S  # that a question may take: behind the one that is under way
WAITING_MAX = 1_000  # questions that wait for one that is under way


class EarlierOrder(msgspec.Struct, frozen=True):
    """An order that was entered long ago under a client order id that came again."""

    first: OrderId
    same: bool  # whether it was asked for with the same fields


class DuplicateLookup:
    """Looks for client order ids where the engine cannot. Every method is cooperative.

    Requests that come while the history answers others are answered together, by one query.
    """

    def __init__(
        self,
        exchange: Exchange,
        memory: OrderMemory,
        entered: Entered,
        history: History,
        access: HistoryAccess,
        clock: Callable[[], int],
    ) -> None:
        """`entered` gives the command of a seq where it entered an order, None where nobody knows; cooperative.

        `clock` gives the venue's time in epoch nanoseconds.
        """
        self._clock = clock
        self._exchange = exchange
        self._memory = memory
        self._entered = entered
        self._history = history
        self._access = access
        self._waiting: list[tuple[Sequence[Name], Event]] = []
        self._is_asking = False

    def check(self, commands: Sequence[EnterOrder], patience_s: float) -> list[EnterOrder | EarlierOrder | ApiError]:
        """For each order the command to sequence, the earlier order it repeats, or an error when that is unknown.

        O(1) each, and for those that the history must be asked for O(log orders), all of them together.
        """
        checked: list[EnterOrder | EarlierOrder | ApiError] = []
        unsure: list[int] = []
        now_ns = max(self._clock(), self._exchange.ts_ns)
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
        """What the newest done orders, the history and the journal say of orders that the engine does not remember."""
        exchange, memory = self._exchange, self._memory
        try:
            firsts = self._in_memory(commands)
            if memory.forgotten_until and None in firsts:
                until = max(exchange.recent.forgotten_until(command.account, now_ns) for command in commands)
                if not self._access.wait(min(until, memory.forgotten_until), patience_s):
                    return [_behind()] * len(commands)
                stored = self._access.stored_seq
                older = self._ask([(command.account, command.client_order_id or "") for command in commands])
                # again: some may have ended while the history was asked
                firsts = [new or old for new, old in zip(self._in_memory(commands), older, strict=True)]
            else:
                stored = memory.forgotten_until
            searched = exchange.seq if stored >= memory.forgotten_until else stored
            return [
                msgspec.structs.replace(command, looked_until=searched)
                if first is None
                else self._compare(command, first)
                for command, first in zip(commands, firsts, strict=True)
            ]
        except Exception:  # whatever failed: while it is unknown whether the id was used, nothing is entered
            client_log.exception("the history could not be asked for a client order id")
            return [_behind()] * len(commands)

    def _in_memory(self, commands: Sequence[EnterOrder]) -> list[OrderId | None]:
        """For each of these the newest done order under its client order id."""
        found = (self._memory.order_by_client_id(each.account, each.client_order_id or "") for each in commands)
        return [None if done is None else done.order_id for done in found]

    def _compare(self, command: EnterOrder, first: OrderId) -> EarlierOrder:
        """Compare an order with the one that used its id first, as the journal has it."""
        asked = self._entered(Seq(entry_of(first)))
        return EarlierOrder(first, asked is not None and same_request(asked, command))

    def _ask(self, names: Sequence[Name]) -> Sequence[OrderId | None]:
        """The first order under each of these names; None for one that was not used. Raises StoreAway."""
        if len(self._waiting) >= WAITING_MAX:
            raise StoreAway("too many client order ids wait to be looked up")
        answered = Event()
        self._waiting.append((names, answered))
        if not self._is_asking:
            self._is_asking = True
            eventlet.spawn(self._ask_for_all)
        with eventlet.Timeout(ASKED_S, StoreAway("the history does not answer")):
            firsts: Sequence[OrderId | None] = answered.wait()
        return firsts

    def _ask_for_all(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            names = [name for part, _ in waiting for name in part]
            try:
                firsts = self._access.look_up(self._history.named_orders, names)
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
    """Command `seq` of the journal when it enters an order, else None. Blocks. O(log records). Raises JournalError.

    None, too, for a command that was dropped: nobody knows any more what it asked for.
    """
    try:
        record = journal.holding(seq)
    except RecordsDropped:
        return None
    return None if record is None else entry_in(record, seq)


def entry_in(record: BatchRecord, seq: Seq) -> EnterOrder | None:
    """Command `seq`, which a record holds, when it enters an order, else None. O(bytes)."""
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
