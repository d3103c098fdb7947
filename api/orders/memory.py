"""The newest done orders and the fills of open ones, kept in memory: what the history may not have stored yet.

Folded from every applied batch, and at the start from the replay, so it is never behind the exchange. It is complete
from a seq on, `forgotten_until`: an order that ended later is here. What it does not have is in the history, if
anywhere, once that has stored the commands up to `forgotten_until`; nobody needs to wait for the newest.

Kept are references to events; rows as the history has them are made for whoever asks. Each step of the fold drops as
much as it adds, so that nothing is freed in bulk. The garbage collector need not go through what is kept (`gc=False`,
tuples of such) but for the list of fills that an open order has.
Layer: api.orders.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Final

import msgspec

from api.orders.entered import status_of
from engine.events import Accepted, Cancelled, CommandResult, Completed, Ended, Expired, Filled
from engine.types import AccountId, OrderId, Seq, entry_of
from history.store import DoneOrder, Trade
from projections.activity import TradePrint

# Done orders: some seconds at the highest rate, which a history that is well is never behind. Measured: 600 to 780
# bytes each with a client order id and 0.6 to 1.8 fills, 30 to 40 MB in all; folding costs an eighth of applying.
DONE_MAX = 50_000
DONE_FILLS_MAX = 200_000  # of these orders, a trade of two of them counted twice: 200 bytes each
OPEN_FILLS_MAX = 100_000  # of all open orders: beyond, those drop theirs whose kept ones are the oldest
FILLS_OF_ONE_MAX = 1_000  # of one open order: beyond, it keeps its newest half

NOTHING: Final = Seq(0)  # before the first command


class Fills(msgspec.Struct, frozen=True):
    """The newest trades of one order, oldest first; up to `older_until` there may be older ones, which the history has.

    `older_until` is 0 where these are all.
    """

    older_until: Seq
    trades: list[Trade]


class _Done(msgspec.Struct, frozen=True, gc=False):
    """A done order: its last event, with seq and time of the command that ended it."""

    ended: Ended
    seq: Seq
    ts_ns: int
    trades: tuple[TradePrint, ...]
    older_until: Seq


class OrderMemory:
    """The newest done orders, and the fills of open ones. A listener of the sequencer and of the replay.

    Every read is O(1), of fills O(fills kept of the order).
    """

    def __init__(self, seq: Seq = NOTHING) -> None:
        """`seq` is that of the last command before the first batch that will be folded."""
        self.forgotten_until = seq  # every order that ended after this seq is kept
        self._since = seq
        self._open: OrderedDict[OrderId, list[TradePrint]] = OrderedDict()  # by the first fill that is kept
        self._open_fills = 0
        self._older_until: dict[OrderId, Seq] = {}  # of open orders of which older fills are not kept
        self._done: dict[OrderId, _Done] = {}
        self._done_fills = 0
        self._ends: deque[_Done] = deque()  # the oldest end first
        self._named: dict[tuple[AccountId, str], _Done] = {}  # the latest under each client order id

    def __len__(self) -> int:
        """How many done orders are kept."""
        return len(self._done)

    def __contains__(self, order_id: OrderId) -> bool:
        """Whether this is a done order that is kept."""
        return order_id in self._done

    # -- folding

    def on_applied(self, batch: Sequence[CommandResult]) -> None:
        """Fold a batch. O(events), amortised."""
        for applied in batch:
            for event in applied.events:
                kind = type(event)
                if kind is Accepted:
                    continue
                if kind is Filled:
                    self._fill(event, applied)  # type: ignore[arg-type]
                elif kind is Completed or kind is Cancelled or kind is Expired:
                    self._end(event, applied)  # type: ignore[arg-type]

    def _fill(self, filled: Filled, applied: CommandResult) -> None:
        kept, trade = self._open, TradePrint(filled, applied.ts_ns, applied.seq)
        for order_id in (filled.maker_order_id, filled.taker_order_id):
            trades = kept.get(order_id)
            if trades is None:
                kept[order_id] = [trade]
            else:
                trades.append(trade)
                if len(trades) > FILLS_OF_ONE_MAX:
                    self._drop_fills(order_id, trades, len(trades) // 2)
        self._open_fills += 2
        if self._open_fills > OPEN_FILLS_MAX:
            self._drop_oldest_fills()

    def _drop_oldest_fills(self) -> None:
        """Drop all fills of the open orders whose kept ones begin first, until few enough are left."""
        kept = self._open
        while self._open_fills > OPEN_FILLS_MAX:
            order_id = next(iter(kept))
            self._drop_fills(order_id, kept[order_id], len(kept[order_id]))
            del kept[order_id]

    def _drop_fills(self, order_id: OrderId, trades: list[TradePrint], count: int) -> None:
        """Drop the oldest fills of an open order."""
        self._older_until[order_id] = trades[count - 1].seq
        self._open_fills -= count
        del trades[:count]

    def _end(self, ended: Ended, applied: CommandResult) -> None:
        order_id, name = ended.order_id, ended.client_order_id
        older_until = self._older_fills_until(order_id) if self._older_until or self._since else NOTHING
        if older_until:
            self._older_until.pop(order_id, None)
        kept = self._open.pop(order_id, None)
        if kept is None:
            done = _Done(ended, applied.seq, applied.ts_ns, (), older_until)
        else:
            done = _Done(ended, applied.seq, applied.ts_ns, tuple(kept), older_until)
            self._open_fills -= len(kept)
            self._done_fills += len(kept)
        self._done[order_id] = done
        self._ends.append(done)
        if name is not None:
            self._named[ended.account, name] = done
        while len(self._ends) > DONE_MAX or self._done_fills > DONE_FILLS_MAX:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        done = self._ends.popleft()
        ended = done.ended
        self.forgotten_until = done.seq
        self._done_fills -= len(done.trades)
        del self._done[ended.order_id]
        if ended.client_order_id is not None:
            name = ended.account, ended.client_order_id
            if self._named[name] is done:  # by the first edition of the rules a later order may have it
                del self._named[name]

    # -- reading

    def order(self, order_id: OrderId) -> DoneOrder | None:
        """A done order, or None where it is not kept."""
        done = self._done.get(order_id)
        return None if done is None else _row(done)

    def order_by_client_id(self, account: AccountId, client_order_id: str) -> DoneOrder | None:
        """The latest done order that `account` entered under this id, or None where none is kept."""
        done = self._named.get((account, client_order_id))
        return None if done is None else _row(done)

    def fills(self, order_id: OrderId) -> Fills:
        """What is kept of the fills of an order that is open, or done and kept."""
        done = self._done.get(order_id)
        if done is not None:
            return Fills(done.older_until, [trade_of(trade) for trade in done.trades])
        return Fills(self._older_fills_until(order_id), [trade_of(trade) for trade in self._open.get(order_id, ())])

    def may_have_forgotten(self, order_id: OrderId) -> bool:
        """Whether an id that is neither open nor kept may be of a done order. False for ids that are yet to come."""
        return entry_of(order_id) <= self.forgotten_until

    def _older_fills_until(self, order_id: OrderId) -> Seq:
        older = self._older_until.get(order_id)
        if older is not None:
            return older
        return self._since if entry_of(order_id) <= self._since else NOTHING


def _row(done: _Done) -> DoneOrder:
    ended = done.ended
    return DoneOrder(
        ended.order_id,
        ended.account,
        ended.symbol,
        ended.side,
        ended.order_type,
        ended.time_in_force,
        ended.price,
        ended.quantity,
        ended.cum,
        ended.quote_cum,
        ended.fees,
        ended.client_order_id,
        ended.entered_ns,
        done.seq,
        done.ts_ns,
        status_of(ended)[0],
        ended.reason if isinstance(ended, Cancelled) else None,
        ended.terms,
        ended.prevention,
    )


def trade_of(trade: TradePrint) -> Trade:
    """A trade of late as the history will have it."""
    filled = trade.filled
    return Trade(
        filled.trade_id,
        trade.seq,
        trade.ts_ns,
        filled.symbol,
        filled.price,
        filled.quantity,
        filled.notional,
        filled.taker_side,
        filled.maker_order_id,
        filled.taker_order_id,
        filled.maker_account,
        filled.taker_account,
        filled.maker_fee,
        filled.taker_fee,
        int(filled.auction),
        int(filled.self_trade),
    )
