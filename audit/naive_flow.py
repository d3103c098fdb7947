"""How an order of the naive exchange executes, and everything that follows from its trades.

The order of things: what it trades, its end, the other legs of pairs, the limit state, stops that trigger,
exits of brackets that are done; then, one after the other, what these have queued.
Layer: audit. Of the engine it knows only the value modules.
"""

from __future__ import annotations

from collections import deque

from audit.naive_memory import HOUR_NS, EndedOrder, NaiveMemory
from audit.naive_money import FEES, NaiveLedger, alone_with_itself, base_of, net_fees_of, notional_of, reject
from audit.naive_order import NaiveOrder, filled
from audit.naive_rules import trail_at
from audit.naive_symbol import BUY, SELL, NaiveSymbol, nearest, other, within
from audit.naive_walk import CancelMaker, Decrement, Fill, Walk, walk
from engine import events as ev
from engine.rejects import CancelReason, RejectReason
from engine.rulebook import FIRST_EDITION
from engine.types import LEG_UNIT, STOP_LEG, TAKE_PROFIT_LEG, OrderType, PostOnly, Side, Ticks, TimeInForce


class NaiveFlow(NaiveLedger):
    """Orders in motion. `events` are those of the command under way."""

    def __init__(self, rulebook: int = FIRST_EDITION) -> None:
        super().__init__()
        self.rulebook = rulebook  # the edition in force
        self.symbols: dict[str, NaiveSymbol] = {}
        self.by_id: dict[int, NaiveOrder] = {}  # open orders
        self.memory = NaiveMemory(together=rulebook == FIRST_EDITION)
        self.events: list[ev.Event] = []
        self.queue: deque[tuple[str, NaiveOrder]] = deque()
        self.trades = 0
        self.turns = 0
        self.ts_ns = 0
        self.seq = 0

    # -- beginning and ending

    def begin(self, order: NaiveOrder) -> None:
        """An order is accepted: from now on it is open."""
        order.pays = self.paid_asset(order)
        self.open.append(order)
        self.by_id[order.order_id] = order
        self.account(order.account).open.append(order)
        self.events.append(order.accepted())
        if order.waiting:
            order.age = self.turn()
            self.symbols[order.symbol].waiting.append(order)

    def rest(self, order: NaiveOrder) -> None:
        """To the back of its level, with a fresh slice."""
        order.turn = self.turn()
        order.shown = order.slice_of(order.leaves)
        order.resting = True
        self.symbols[order.symbol].sides[order.side].append(order)

    def unrest(self, order: NaiveOrder) -> None:
        """Out of the book, still open."""
        if order.resting:
            self.symbols[order.symbol].sides[order.side].remove(order)
            order.resting = False

    def close(self, order: NaiveOrder) -> None:
        """An order is done: nothing knows of it but the memory of done orders."""
        self.unrest(order)
        if order in self.symbols[order.symbol].waiting:
            self.symbols[order.symbol].waiting.remove(order)
        self.open.remove(order)
        self.account(order.account).open.remove(order)
        del self.by_id[order.order_id]
        order.done, order.ended_turn = True, self.turn()
        self.memory.end(
            order.account, EndedOrder(order.order_id, order.client_order_id, self.ts_ns // HOUR_NS, self.seq)
        )

    def cancel_one(self, order: NaiveOrder, reason: CancelReason) -> None:
        """End an order with something left."""
        rested = order.resting
        self.close(order)
        self.events.append(order.cancelled(reason, rested=rested))

    def part(self, order: NaiveOrder) -> None:
        """An order traded or ended: the other leg of its pair, if there is one, ends."""
        sibling = order.sibling
        if sibling is not None:
            order.sibling = sibling.sibling = None
            self.cancel_one(sibling, CancelReason.ONE_CANCELS_OTHER)

    def turn(self) -> int:
        """The next number; they only grow."""
        self.turns += 1
        return self.turns

    # -- one order executes

    def execute(self, order: NaiveOrder, walked: Walk, asked: int | None, *, budgeted: bool = False) -> None:
        """Steps 2 to 7 for an accepted order. `asked` is the worst price it wanted, but for the band."""
        symbol = self.symbols[order.symbol]
        killed = order.time_in_force is TimeInForce.FOK and walked.left > 0
        touched: list[NaiveOrder] = []
        prices: list[int] = []
        if not killed:
            self.take(order, walked, touched, prices)
        prevented = self.band_prevented(
            order, walked, asked, budget_unspent=walked.budget_unspent if budgeted else None
        )
        self.end_or_rest(order, walked, prevented=prevented, budgeted=budgeted)
        if order.cum > 0 or order.done or any(isinstance(step, Decrement) for step in walked.steps):
            self.part(order)
        for maker in touched:
            self.part(maker)
        self.settle_limit_state(symbol, order.side, prevented=prevented, traded=bool(prices))
        if prices:
            self.step(symbol, prices[0])
            if prices[-1] != prices[0]:
                self.step(symbol, prices[-1])
        self.queue_exits([order, *touched])

    def take(self, order: NaiveOrder, walked: Walk, touched: list[NaiveOrder], prices: list[int]) -> None:
        """Do what the walk found; note the makers touched, and the prices traded at that count."""
        for step in walked.steps:
            maker = step.maker
            if maker not in touched:
                touched.append(maker)
            if isinstance(step, Fill):
                if self.trade(maker, order, maker.price or 0, step.quantity):
                    prices.append(maker.price or 0)
            elif isinstance(step, CancelMaker):
                self.cancel_one(maker, CancelReason.SELF_TRADE)
            else:
                self.decrement(maker, order, step)

    def decrement(self, maker: NaiveOrder, taker: NaiveOrder, step: Decrement) -> None:
        """The smaller quantity is taken off both; nothing trades."""
        if step.quantity == maker.leaves:
            self.cancel_one(maker, CancelReason.SELF_TRADE)
        else:
            maker.quantity -= step.quantity
            maker.shown = min(maker.shown, maker.leaves)
            self.events.append(maker.amended(maker.price, kept=True))
        if step.quantity < taker.leaves:
            taker.quantity -= step.quantity
            self.events.append(taker.amended(taker.price, kept=True))

    def trade(self, maker: NaiveOrder, taker: NaiveOrder, price: int, quantity: int, *, auction: bool = False) -> bool:
        """One match; whether its price counts for others. In an auction both stand in the book."""
        symbol = self.symbols[maker.symbol]
        instrument = symbol.instrument
        self.trades += 1
        notional = notional_of(instrument, price, quantity)
        fees = net_fees_of(notional, maker.rates[0], taker.rates[1])
        self.owned[FEES, instrument.quote] += sum(fees)
        for order, fee in ((maker, fees[0]), (taker, fees[1])):
            sign = 1 if order.buys else -1
            self.owned[order.account, instrument.base] += sign * base_of(instrument, quantity)
            self.owned[order.account, instrument.quote] -= sign * notional + fee
            order.cum += quantity
            order.quote_cum += notional
            order.fees += fee
        alone = self.rulebook >= 2 and alone_with_itself(maker.account, taker.account)
        if not alone:
            symbol.last_price = price
        self.events.append(
            filled(self.trades, maker, taker, price, quantity, notional, fees, auction=auction, self_trade=alone)
        )
        self.after_slice(maker, quantity)
        if auction:
            self.after_slice(taker, quantity)
        return not alone

    def after_slice(self, order: NaiveOrder, quantity: int) -> None:
        """A resting order gave `quantity` lots of its slice: it is done, or shows the next when this is used up."""
        order.shown -= quantity
        if order.leaves == 0:
            self.close(order)
            self.events.append(order.completed())
        elif order.shown == 0:
            order.turn = self.turn()
            order.shown = order.slice_of(order.leaves)
            self.events.append(order.replenished())

    def end_or_rest(self, order: NaiveOrder, walked: Walk, *, prevented: bool, budgeted: bool) -> None:
        """Step 3: what becomes of the order itself."""
        wanted_more = walked.stopped or walked.budget_unspent or order.quantity == 0 if budgeted else order.leaves > 0
        reason: CancelReason | None = None
        if not wanted_more:
            self.close(order)
            self.events.append(order.completed())
            return
        if order.time_in_force is TimeInForce.FOK:
            reason = CancelReason.FILL_OR_KILL
        elif walked.stopped:
            reason = CancelReason.SELF_TRADE
        elif order.market_like:
            reason = CancelReason.PRICE_BAND if prevented else CancelReason.NO_LIQUIDITY
        elif order.time_in_force is TimeInForce.IOC:
            reason = CancelReason.PRICE_BAND if prevented else CancelReason.IMMEDIATE_OR_CANCEL
        if reason is None:
            self.rest(order)
        else:
            self.cancel_one(order, reason)

    # -- protection

    def band_prevented(
        self, order: NaiveOrder, walked: Walk, asked: int | None, *, budget_unspent: bool | None
    ) -> bool:
        """Whether the band, and nothing else, keeps the order from trading on."""
        symbol = self.symbols[order.symbol]
        edge, best = symbol.band(order.side), symbol.best(other(order.side))
        wants = order.leaves > 0 if budget_unspent is None else budget_unspent
        if not wants or edge is None or best is None or order.post_only is not None or walked.stopped:
            return False
        return not within(order.side, best, edge) and within(order.side, best, asked)

    def settle_limit_state(self, symbol: NaiveSymbol, side: Side, *, prevented: bool, traded: bool) -> None:
        """Step 5: a prevented trade brings a limit state, a trade without one ends it."""
        state = symbol.limit_state
        if prevented and (state is None or state[0] is not side):
            symbol.limit_state = (side, self.ts_ns + symbol.instrument.limit_state_ns)
            self.emit_limit_state(symbol, side)
        elif not prevented and traded and state is not None:
            symbol.limit_state = None
            self.emit_limit_state(symbol, None)

    def emit_limit_state(self, symbol: NaiveSymbol, side: Side | None) -> None:
        """The event of a limit state that begins, or without a side that it is over."""
        edge = None if side is None else symbol.band(side)
        price = None if edge is None else Ticks(edge)
        self.events.append(ev.LimitStateChanged(symbol.instrument.symbol, side, price))

    def would_take(self, order: NaiveOrder, symbol: NaiveSymbol) -> bool:
        """Whether a post-only order would trade and must not be entered; one that may slide, slides."""
        best = symbol.best(other(order.side))
        if order.post_only is None or not symbol.trading or best is None or not within(order.side, best, order.price):
            return False
        behind = best - 1 if order.side is Side.BUY else best + 1
        if order.post_only is PostOnly.REJECT or behind < 1:
            return True
        order.price = behind
        return False

    def meets_its_own(self, order: NaiveOrder, walked: Walk) -> bool:
        """Whether the first it would do is to meet an order of its own account, and give way."""
        return walked.stopped and not walked.steps and order.time_in_force is not TimeInForce.FOK

    # -- triggers

    def step(self, symbol: NaiveSymbol, price: int) -> None:
        """Step 6: who waits for a trade at `price` is queued; who trails moves."""
        reached = [order for order in symbol.waiting if symbol.reached(order, price)]
        rising = sorted((o for o in reached if o.rises), key=lambda o: (o.stop_price or 0, o.age))
        falling = sorted((o for o in reached if not o.rises), key=lambda o: (-(o.stop_price or 0), o.age))
        for order in rising + falling:
            self.queue_trigger(order)
        for side in (SELL, BUY):
            for order in list(symbol.waiting):
                if order.side is side and order.order_type is OrderType.TRAILING_STOP:
                    self.trail(order, price)

    def trail(self, order: NaiveOrder, price: int) -> None:
        """A trailing stop follows a market that went its way."""
        if price >= order.high_water if order.buys else price <= order.high_water:
            return
        order.high_water = price
        trail = trail_at(price, order.trail_amount, order.trail_percent)
        stop_price = price + trail if order.buys else max(price - trail, 1)
        if stop_price != order.stop_price:
            order.stop_price = stop_price
            self.events.append(order.trailed())

    def queue_trigger(self, order: NaiveOrder) -> None:
        """Its stop price was reached: it waits no more."""
        self.symbols[order.symbol].waiting.remove(order)
        self.queue.append(("stop", order))

    def trigger_if_reached(self, order: NaiveOrder) -> None:
        """A stop that has just come, or moved: perhaps the last trade has reached it already."""
        symbol = self.symbols[order.symbol]
        if (
            symbol.trading
            and symbol.last_price is not None
            and order in symbol.waiting
            and order.order_type is not OrderType.TRAILING_STOP
            and symbol.reached(order, symbol.last_price)
        ):
            self.queue_trigger(order)

    def run_queue(self) -> None:
        """One after the other, until nothing follows from anything."""
        while self.queue:
            what, order = self.queue.popleft()
            if what == "exits":
                self.enter_exits(order)
            elif not order.done:
                self.trigger(order)

    def trigger(self, order: NaiveOrder) -> None:
        """A waiting order becomes a market or a limit order."""
        symbol = self.symbols[order.symbol]
        self.part(order)
        order.waiting = False
        collar, band = symbol.collar(order.side), symbol.band(order.side)
        if order.price is not None:
            asked: int | None = order.price
            limit = order.price = nearest(order.side, asked, collar, band)
            order.one_lot = self.lot_hold(order)
        else:
            asked = nearest(order.side, collar, order.hold_price)
            limit = nearest(order.side, asked, band)
        self.events.append(order.triggered())
        self.execute(order, walk(symbol, order, limit), asked)

    # -- brackets

    def queue_exits(self, ended: list[NaiveOrder]) -> None:
        """Step 7: the exits of entries that are done, the first of the list before those who ended earlier."""
        entries = [order for order in ended if order.done and order.has_exits and order.cum > 0]
        for order in sorted(entries, key=lambda order: (order is not ended[0], order.ended_turn)):
            self.queue.append(("exits", order))

    def enter_exits(self, entry: NaiveOrder) -> None:
        """What was bought is to be sold, or the other way round, at a profit or at a stop."""
        symbol, owner = self.symbols[entry.symbol], self.account(entry.account)
        if owner.stopped:
            return
        side = other(entry.side)
        legs: list[NaiveOrder] = []
        if entry.take_profit is not None:
            leg = self.exit_leg(entry, TAKE_PROFIT_LEG, OrderType.LIMIT)
            leg.price = entry.take_profit
            if symbol.trading:
                leg.price = nearest(side, entry.take_profit, symbol.collar(side), symbol.band(side))
            legs.append(leg)
        if entry.stop_loss is not None:
            kind = OrderType.STOP if entry.stop_loss_limit is None else OrderType.STOP_LIMIT
            leg = self.exit_leg(entry, STOP_LEG, kind)
            leg.price, leg.stop_price, leg.waiting = entry.stop_loss_limit, entry.stop_loss, True
            if leg.buys and kind is OrderType.STOP:
                leg.hold_price = symbol.hold_price(entry.stop_loss)
            legs.append(leg)
        for leg in legs:
            leg.one_lot = self.lot_hold(leg)
        if entry.cum * max(leg.one_lot for leg in legs) > self.available(entry.account, self.paid_asset(legs[0])):
            reason = RejectReason.INSUFFICIENT_FUNDS
            self.events.append(reject(entry.account, entry.symbol, reason, legs[0].order_id))
            return
        self.enter_legs(legs, entry.take_profit)

    def exit_leg(self, entry: NaiveOrder, leg: int, kind: OrderType) -> NaiveOrder:
        """One exit of a bracket's entry, its prices still to be set."""
        symbol = self.symbols[entry.symbol]
        rates = self.account(entry.account).rates(symbol.instrument)
        return NaiveOrder(
            leg * LEG_UNIT + entry.order_id,
            entry.account,
            entry.symbol,
            other(entry.side),
            kind,
            TimeInForce.GTC,
            None,
            entry.cum,
            None,
            self.ts_ns,
            rates,
            entry.mode,
            parent=entry.order_id,
        )

    def enter_legs(
        self, legs: list[NaiveOrder], asked: int | None, walked: Walk | None = None, *, budgeted: bool = False
    ) -> None:
        """Accept one or two linked legs; the one that does not wait executes; a stop may have been reached already."""
        symbol = self.symbols[legs[0].symbol]
        if len(legs) == 2:
            first, second = legs
            first.sibling, second.sibling = second, first
            first.linked_to, second.linked_to = second.order_id, first.order_id
        for leg in legs:
            self.begin(leg)
        for leg in legs:
            if leg.waiting:
                self.trigger_if_reached(leg)
            elif symbol.trading:
                self.execute(leg, walked or walk(symbol, leg, leg.price), asked, budgeted=budgeted)
            else:
                self.rest(leg)
