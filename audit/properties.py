"""What must hold of every event, judged against the book that it met. The first kinds of findings come from here.

No matching is repeated here: a fill is looked at beside those who stood there, not beside what another
engine would have done. That is what `auditor` adds.
Layer: audit. Of the engine it knows only the value modules.
"""

from __future__ import annotations

from collections.abc import Iterator

from audit.fills import check_auction_fill, check_fill, check_mark, orders_in, symbols_in
from audit.findings import Kind
from audit.naive_order import NaiveOrder
from audit.naive_symbol import BUY, SELL, NaiveSymbol, within
from audit.shadow import Shadow
from engine import events as ev
from engine.commands import AmendOrder, Command, EnterOrder, SetStatus
from engine.rulebook import FIRST_EDITION
from engine.types import OrderType, TimeInForce, TradingStatus

Found = tuple[Kind, str | None, str]  # kind, symbol, sentence


class Properties:
    """Judges one command after the other by its events."""

    def __init__(self, rulebook: int = FIRST_EDITION) -> None:
        self.shadow = Shadow(rulebook)
        self._uncross: dict[str, tuple[int, int]] = {}  # of this command: price and lots still to print
        self._due: list[NaiveOrder] = []  # stops that a trade of this command has reached
        self._range: dict[str, tuple[int, int]] = {}  # the lowest and highest price that stops were held against

    def judge(self, command: Command, ts_ns: int, events: list[ev.Event]) -> list[Found]:
        """Everything that is wrong with what a command caused. O(events x orders of the symbol)."""
        shadow = self.shadow
        self._uncross, self._due, self._range = {}, [], {}
        shadow.begin(command, ts_ns, events)
        found: list[Found] = []
        for event in events:
            if isinstance(event, ev.Triggered | ev.Accepted):
                shadow.settle_auctions()
                self._reach_last()
            found += self._judge_event(event)
            shadow.fold(event)
            self._note(event)
        shadow.finish()
        self._reach_last()
        if events:
            found += self._judge_end(command, events)
        return found

    def _judge_event(self, event: ev.Event) -> Iterator[Found]:
        match event:
            case ev.Filled():
                for kind, sentence in self._judge_fill(event):
                    yield kind, event.symbol, sentence
            case ev.Accepted():
                yield from self._judge_accepted(event)
            case ev.Amended() | ev.Ended():
                yield from self._judge_quantity(event)
            case ev.Replenished():
                yield from self._judge_replenished(event)
            case ev.Triggered() | ev.StopPriceMoved():
                yield from self._judge_trigger(event)
            case ev.Uncrossed():
                yield from self._judge_uncross(event)

    # -- one kind of event each

    def _judge_fill(self, event: ev.Filled) -> Iterator[tuple[Kind, str]]:
        shadow = self.shadow
        maker, taker = shadow.by_id.get(event.maker_order_id), shadow.by_id.get(event.taker_order_id)
        if maker is None or taker is None:
            unknown = event.maker_order_id if maker is None else event.taker_order_id
            yield Kind.QUANTITY_NOT_CONSERVED, f"trade {event.trade_id} fills order {unknown}, which is not open"
            return
        yield from check_mark(event, maker, taker, shadow.rulebook)
        if not event.auction:
            if shadow.moving is not taker:
                yield (
                    Kind.DIFFERENCE,
                    f"trade {event.trade_id} names order {taker.order_id} as taker, which did not come",
                )
            yield from check_fill(event, maker, taker, shadow.symbols[event.symbol], shadow.worst)
            return
        yield from check_auction_fill(event, maker, taker, shadow.symbols[event.symbol])
        price, left = self._uncross.get(event.symbol, (None, 0))
        if price is None:
            yield Kind.AUCTION_PRINTS, f"trade {event.trade_id} is an auction's, but no auction found a price"
        elif price != event.price:
            yield (
                Kind.AUCTION_PRINTS,
                (f"auction trade {event.trade_id} printed at {event.price}, the auction's price is {price}"),
            )
        if price is not None:
            self._uncross[event.symbol] = (price, left - event.quantity)

    def _judge_accepted(self, event: ev.Accepted) -> Iterator[Found]:
        symbol, command = self.shadow.symbols[event.symbol], self.shadow.command
        if not symbol.trading or not isinstance(command, EnterOrder) or event.order_type is not OrderType.LIMIT:
            return
        edge, collar = symbol.band(event.side), symbol.collar(event.side)
        if event.price is not None and not within(event.side, event.price, edge):
            yield (
                Kind.BAND_VIOLATION,
                event.symbol,
                (f"order {event.order_id} was accepted at {event.price}, beyond the band's {edge}"),
            )
        own = not (event.terms and event.terms.parent)
        if own and isinstance(command.price, int) and not within(event.side, command.price, collar):
            yield (
                Kind.COLLAR_VIOLATION,
                event.symbol,
                (f"order {event.order_id} was accepted at {command.price}, the collar ends at {collar}"),
            )

    def _judge_quantity(self, event: ev.Amended | ev.Ended) -> Iterator[Found]:
        order = self.shadow.by_id.get(event.order_id)
        if order is None:
            yield (
                Kind.QUANTITY_NOT_CONSERVED,
                event.symbol,
                f"order {event.order_id} changed or ended, and was not open",
            )
            return
        if isinstance(event, ev.Amended):
            if event.leaves != event.quantity - order.cum:
                yield (
                    Kind.QUANTITY_NOT_CONSERVED,
                    event.symbol,
                    (
                        f"order {event.order_id} was amended to {event.quantity} with {order.cum} filled and leaves "
                        f"{event.leaves}"
                    ),
                )
            return
        if (event.quantity, event.cum) != (order.quantity, order.cum):
            yield (
                Kind.QUANTITY_NOT_CONSERVED,
                event.symbol,
                (
                    f"order {event.order_id} ended with {event.cum} of {event.quantity} filled, its trades sum to "
                    f"{order.cum} of {order.quantity}"
                ),
            )
        if isinstance(event, ev.Completed) and event.cum != event.quantity:
            yield Kind.QUANTITY_NOT_CONSERVED, event.symbol, f"order {event.order_id} is called filled and is not"
        if (event.quote_cum, event.fees) != (order.quote_cum, order.fees):
            yield (
                Kind.WRONG_FEE,
                event.symbol,
                (
                    f"order {event.order_id} ended with {event.quote_cum} traded and {event.fees} of fees, its trades "
                    f"sum to {order.quote_cum} and {order.fees}"
                ),
            )
        if event.time_in_force is TimeInForce.FOK and order.cum not in (0, order.quantity):
            yield (
                Kind.FILL_OR_KILL_PARTIAL,
                event.symbol,
                (f"fill-or-kill order {event.order_id} ended with {order.cum} of {order.quantity} filled"),
            )

    def _judge_replenished(self, event: ev.Replenished) -> Iterator[Found]:
        order = self.shadow.by_id.get(event.order_id)
        right = 0 if order is None else order.slice_of(order.leaves)
        if order is None or order.display is None or order.shown != 0 or order.leaves == 0 or event.shown != right:
            was = "is not open" if order is None else f"still showed {order.shown} and has a next slice of {right}"
            yield (
                Kind.ICEBERG_REFILL,
                event.symbol,
                (f"order {event.order_id} was replenished to {event.shown}, but it {was}"),
            )

    def _judge_trigger(self, event: ev.Triggered | ev.StopPriceMoved) -> Iterator[Found]:
        order = self.shadow.by_id.get(event.order_id)
        if order is None or not order.waiting:
            yield Kind.WRONG_TRIGGER, event.symbol, f"order {event.order_id} did not wait for a trigger"
            return
        up = 1 if order.buys else -1
        if isinstance(event, ev.StopPriceMoved):
            if up * event.stop_price >= up * (order.stop_price or 0):
                yield (
                    Kind.WRONG_TRIGGER,
                    event.symbol,
                    (
                        f"trailing stop {event.order_id} moved away from the market, from {order.stop_price} to "
                        f"{event.stop_price}"
                    ),
                )
            return
        low, high = self._range.get(event.symbol, (None, None))
        reached = high if order.rises else low
        if reached is None or not self.shadow.symbols[event.symbol].reached(order, reached):
            yield (
                Kind.WRONG_TRIGGER,
                event.symbol,
                (f"order {event.order_id} triggered with stop price {order.stop_price}, the market came to {reached}"),
            )
        edge = self.shadow.symbols[event.symbol].band(order.side)
        if event.price is not None and not within(order.side, event.price, edge):
            yield (
                Kind.BAND_VIOLATION,
                event.symbol,
                (f"order {event.order_id} triggered with limit {event.price}, beyond the band's {edge}"),
            )

    def _judge_uncross(self, event: ev.Uncrossed) -> Iterator[Found]:
        right = self.shadow.symbols[event.symbol].auction()
        self._uncross[event.symbol] = (event.price, event.quantity)
        if right != (event.price, event.quantity, event.imbalance):
            say = (
                "the book does not cross"
                if right is None
                else "the book gives {1} at {0}, imbalance {2}".format(*right)
            )
            yield (
                Kind.AUCTION_PRICE,
                event.symbol,
                (f"the auction found {event.quantity} lots at {event.price}, imbalance {event.imbalance}, but {say}"),
            )

    # -- over the whole command

    def _note(self, event: ev.Event) -> None:
        """Remember what later events, and the end of the command, are judged by."""
        shadow = self.shadow
        if isinstance(event, ev.Filled):
            if not event.self_trade:
                self._reach(shadow.symbols[event.symbol], event.price)
        elif isinstance(event, ev.StatusChanged) and event.status is TradingStatus.TRADING:
            symbol = shadow.symbols[event.symbol]
            if symbol.last_price is not None and symbol.auction() is None:
                self._reach(symbol, symbol.last_price)
        elif isinstance(event, ev.Accepted | ev.Amended):
            order = shadow.by_id.get(event.order_id)
            symbol = shadow.symbols[event.symbol]
            at_once = order is not None and order.waiting and order.order_type is not OrderType.TRAILING_STOP
            moved = isinstance(event, ev.Accepted) or isinstance(shadow.command, AmendOrder)
            if order is not None and at_once and moved and symbol.trading and symbol.last_price is not None:
                self._widen(symbol, symbol.last_price)
                self._due += [order] if symbol.reached(order, symbol.last_price) else []

    def _reach_last(self) -> None:
        """Where an auction gave no price the last one is looked at, as when trading begins without an auction."""
        for symbol in self.shadow.unpriced:
            if symbol.last_price is not None:
                self._reach(symbol, symbol.last_price)
        self.shadow.unpriced.clear()

    def _widen(self, symbol: NaiveSymbol, price: int) -> None:
        low, high = self._range.get(symbol.instrument.symbol, (price, price))
        self._range[symbol.instrument.symbol] = (min(low, price), max(high, price))

    def _reach(self, symbol: NaiveSymbol, price: int) -> None:
        self._widen(symbol, price)
        self._due += [order for order in symbol.waiting if symbol.reached(order, price)]

    def _judge_end(self, command: Command, events: list[ev.Event]) -> Iterator[Found]:
        for order in self._due:
            if order.waiting:
                yield (
                    Kind.MISSED_TRIGGER,
                    order.symbol,
                    (f"the market reached the stop price {order.stop_price} of order {order.order_id}, which waits on"),
                )
                break
        for name, (_, left) in self._uncross.items():
            if left:
                yield Kind.AUCTION_PRINTS, name, f"the auction's trades miss its quantity by {left} lots"
        for order_id in orders_in(events):
            about = self.shadow.by_id.get(order_id)
            if about is not None and about.resting:
                yield from _judge_rested(about)
        for name in symbols_in(events) | ({command.symbol} if isinstance(command, SetStatus) else set()):
            symbol = self.shadow.symbols.get(name)
            if symbol is not None:
                yield from self._judge_book(symbol)

    def _judge_book(self, symbol: NaiveSymbol) -> Iterator[Found]:
        name = symbol.instrument.symbol
        bid, ask = symbol.best(BUY), symbol.best(SELL)
        if symbol.trading and bid is not None and ask is not None and bid >= ask:
            yield Kind.CROSSED_BOOK, name, f"the book stays crossed while it trades: bid {bid}, ask {ask}"


def _judge_rested(order: NaiveOrder) -> Iterator[Found]:
    """An order that a command was about, and that stands in the book after it."""
    if order.shown == 0 and order.leaves > 0:
        yield (
            Kind.ICEBERG_REFILL,
            order.symbol,
            (f"the slice of order {order.order_id} is used up and it shows no next one, with {order.leaves} left"),
        )
    if order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
        yield Kind.DIFFERENCE, order.symbol, f"order {order.order_id} rests, and is {order.time_in_force}"
