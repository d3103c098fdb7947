"""The naive exchange's changes and ends by request: amends, cancels, and whose order is meant.

Layer: audit. Of the engine it knows only the value modules.
"""

from __future__ import annotations

from collections.abc import Sequence

from audit.naive_flow import NaiveFlow
from audit.naive_money import reject
from audit.naive_order import NaiveOrder
from audit.naive_rules import between_its_exits, on_tick, outside_collar, size_refusal, slices_well
from audit.naive_symbol import NaiveSymbol, nearest
from audit.naive_walk import walk
from engine.commands import AmendOrder, CancelAll, CancelOrder
from engine.rejects import CancelReason, RejectReason
from engine.types import OrderType

ASKED_BY = {None: CancelReason.REQUESTED, False: CancelReason.REQUESTED, True: CancelReason.BY_OPERATOR}


class NaiveAmends(NaiveFlow):
    """What its owner may do to an open order."""

    # -- amending

    def amend(self, command: AmendOrder) -> None:
        """Carry out an AmendOrder."""
        order = self.own_open(command.account, command.order_id, None, None)
        if order is None:
            return
        symbol = self.symbols[order.symbol]
        quantity = order.quantity if command.quantity is None else command.quantity
        reason: RejectReason | None = None
        if not symbol.trading and not symbol.gathering:
            reason = RejectReason.SYMBOL_NOT_TRADING
        else:
            symbol.renew_band(self.ts_ns)
            if not self.amendable(order, command):
                reason = RejectReason.UNSUPPORTED_COMBINATION
            elif not isinstance(quantity, str) and quantity <= order.cum:
                self.cancel_one(order, CancelReason.AMENDED_BELOW_FILLED)
                self.after_end(order)
                return
            elif order.waiting:
                reason = self.amend_waiting(order, symbol, command)
            else:
                reason = self.amend_resting(order, symbol, command)
        if reason is not None:
            self.events.append(reject(command.account, order.symbol, reason, order.order_id))

    def amendable(self, order: NaiveOrder, command: AmendOrder) -> bool:
        """Whether an order has what is to be changed, and stands for itself."""
        if order.sibling is not None:
            return False
        stops = order.waiting and order.order_type is not OrderType.TRAILING_STOP
        if command.stop_price is not None and not stops:
            return False
        return command.price is None or not order.market_like

    def size_of_amend(
        self, order: NaiveOrder, symbol: NaiveSymbol, valued_at: int | str | None, command: AmendOrder
    ) -> RejectReason | None:
        """The first rule about steps, sizes and slices that the changed order breaks."""
        quantity = order.quantity if command.quantity is None else command.quantity
        if not on_tick(command.price) or not on_tick(command.stop_price):
            return RejectReason.BAD_TICK
        reason = size_refusal(symbol, self.account(order.account), valued_at, quantity, None)
        if reason is None and not slices_well(order.display, quantity, entry=False):
            reason = RejectReason.BAD_DISPLAY_QUANTITY
        return reason

    def amend_waiting(self, order: NaiveOrder, symbol: NaiveSymbol, command: AmendOrder) -> RejectReason | None:
        """Change an order that waits for its trigger; the reason when it may not be."""
        price = order.price if command.price is None else command.price
        stop_price = order.stop_price if command.stop_price is None else command.stop_price
        valued_at = price
        if order.market_like:
            valued_at = None if order.order_type is OrderType.TRAILING_STOP else stop_price
        reason = self.size_of_amend(order, symbol, valued_at, command)
        if reason is not None:
            return reason
        before = order.price, order.stop_price, order.quantity, order.hold_price, order.one_lot
        held, available = self.hold(order), self.available(order.account, self.paid_asset(order))
        order.price = None if price is None else int(price)
        order.stop_price = int(stop_price or 0)
        order.quantity = order.quantity if command.quantity is None else int(command.quantity)
        if order.buys and order.market_like and order.order_type is not OrderType.TRAILING_STOP:
            order.hold_price = symbol.hold_price(order.stop_price)
        order.one_lot = self.lot_hold(order)
        if self.hold(order) - held > available:
            order.price, order.stop_price, order.quantity, order.hold_price, order.one_lot = before
            return RejectReason.INSUFFICIENT_FUNDS
        kept = order.stop_price == before[1] and order.quantity <= before[2]
        if not kept:
            order.age = self.turn()
        self.events.append(order.amended(before[0], kept=kept))
        self.trigger_if_reached(order)
        return None

    def amend_resting(self, order: NaiveOrder, symbol: NaiveSymbol, command: AmendOrder) -> RejectReason | None:
        """Change an order that stands in the book; the reason when it may not be."""
        asked = order.price if command.price is None else command.price
        reason = self.size_of_amend(order, symbol, asked, command)
        if reason is not None:
            return reason
        asked = int(asked or 0)
        if asked != order.price and not between_its_exits(order.side, asked, order.take_profit, order.stop_loss):
            return RejectReason.BAD_TRIGGER
        if asked != order.price and outside_collar(symbol, order.side, asked):
            return RejectReason.PRICE_OUTSIDE_COLLAR
        before = order.price, order.quantity, order.one_lot
        held, available = self.hold(order), self.available(order.account, self.paid_asset(order))
        order.price = nearest(order.side, asked, symbol.band(order.side))
        order.quantity = order.quantity if command.quantity is None else int(command.quantity)
        would_take = self.would_take(order, symbol)
        order.one_lot = self.lot_hold(order)
        kept = order.price == before[0] and order.quantity <= before[1]
        walked = walk(symbol, order, order.price) if symbol.trading and not kept else None
        if self.hold(order) - held > available:
            reason = RejectReason.INSUFFICIENT_FUNDS
        elif would_take:
            reason = RejectReason.POST_ONLY_WOULD_TAKE
        elif walked is not None and self.meets_its_own(order, walked):
            reason = RejectReason.SELF_TRADE
        if reason is not None:
            order.price, order.quantity, order.one_lot = before
            return reason
        self.events.append(order.amended(before[0], kept=kept))
        if kept:
            order.shown = min(order.shown, order.leaves)
            return None
        self.unrest(order)
        if walked is None:
            self.rest(order)
        else:
            self.execute(order, walked, asked)
        return None

    # -- ending

    def after_end(self, order: NaiveOrder) -> None:
        """What follows from an end that is no execution."""
        self.part(order)
        self.queue_exits([order])
        self.run_queue()

    def cancel(self, command: CancelOrder) -> None:
        """Carry out a CancelOrder."""
        order = self.own_open(command.account, command.order_id, command.client_order_id, command.symbol)
        if order is not None:
            self.cancel_one(order, ASKED_BY[command.by_operator])
            self.after_end(order)

    def cancel_all(self, command: CancelAll) -> None:
        """Carry out a CancelAll."""
        chosen = [
            order
            for order in self.open_of(command.account, command.among)
            if command.symbol in (None, order.symbol) and command.side in (None, order.side)
        ]
        self.cancel_many(chosen, ASKED_BY[command.by_operator])

    def open_of(self, account: int, among: Sequence[int] | None) -> list[NaiveOrder]:
        """The open orders of an account, oldest first; or those that are named, as they are named."""
        found = list(self.account(account).open)
        if among is None:
            return found
        return [order for number in among for order in found if order.order_id == number]

    def cancel_many(self, orders: list[NaiveOrder], reason: CancelReason) -> None:
        """End several orders, and the other legs of their pairs. No exits are entered for them."""
        for order in orders:
            if not order.done:
                self.cancel_one(order, reason)
                self.part(order)

    # -- looking up

    def own_open(
        self, account: int, order_id: int | None, client_order_id: str | None, symbol: str | None
    ) -> NaiveOrder | None:
        """The open order that is meant; else None, and what to answer instead is among the events."""
        if order_id is None and client_order_id is not None:
            named = self.memory.first(account, client_order_id, self.ts_ns)
            order_id = named[0] if named else None
        order = None if order_id is None else self.by_id.get(order_id)
        if order is not None and order.account == account and symbol in (None, order.symbol):
            return order
        if order is None and order_id is not None and self.memory.is_done(account, order_id, self.ts_ns):
            self.events.append(reject(account, symbol, RejectReason.TOO_LATE, order_id, client_order_id))
        else:
            self.events.append(reject(account, symbol, RejectReason.UNKNOWN_ORDER, None, client_order_id))
        return None
