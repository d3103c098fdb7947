"""The venue as its events describe it, whether they are right or not: books, balances and holds, folded event by event.

It decides nothing. What the events say is what it believes, so that each next event can be judged
against the book that it met.
Units: ticks, lots, minor units. Layer: audit. Of the engine it knows only the value modules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from audit.naive_money import FEES, NaiveLedger, base_of
from audit.naive_order import NaiveOrder
from audit.naive_symbol import NaiveSymbol, nearest
from engine import events as ev
from engine.commands import AdoptRulebook, AmendOrder, Command, ConfigureAccount, EnterOrder
from engine.rejects import RejectReason
from engine.rulebook import FIRST_EDITION
from engine.terms import NO_TERMS
from engine.types import OrderType, SelfTradePrevention, TradingStatus

_OF_A_REPETITION = (RejectReason.DUPLICATE_CLIENT_ORDER_ID, RejectReason.MAYBE_REPEATED)


class Shadow(NaiveLedger):
    """The state that the events so far add up to. `begin` a command, then `fold` each of its events."""

    def __init__(self, rulebook: int = FIRST_EDITION) -> None:
        super().__init__()
        self.rulebook = rulebook  # the edition in force
        self.symbols: dict[str, NaiveSymbol] = {}
        self.by_id: dict[int, NaiveOrder] = {}
        self.modes: dict[int, SelfTradePrevention] = {}  # the entries of brackets, for their exits
        self.command: Command | None = None
        self.ts_ns = 0
        self.turns = 0
        # auction prices while the trades come; None: others have yet to trade
        self._uncrossed: dict[str, int | None] = {}
        # symbols whose auction gave no price: all its trades were of one account with itself
        self.unpriced: list[NaiveSymbol] = []
        self.moving: NaiveOrder | None = None  # the order that executes
        self.worst: tuple[int | None, int | None] = (None, None)  # its collar and band, as they were when it began

    def begin(self, command: Command, ts_ns: int, events: Sequence[ev.Event]) -> None:
        """A command comes, of which `events` will be folded: a band may get another reference."""
        self.command, self.ts_ns, self.moving = command, ts_ns, None
        if isinstance(command, AdoptRulebook):
            self.rulebook = max(self.rulebook, command.edition)
        if isinstance(command, EnterOrder):
            before_all = self.rulebook > FIRST_EDITION and any(map(_repeats, events))
            symbol = None if before_all else self.symbols.get(command.symbol)
        elif isinstance(command, AmendOrder):
            order = self.by_id.get(command.order_id)
            mine = order is not None and order.account == command.account
            symbol = self.symbols[order.symbol] if order is not None and mine else None
        else:
            return
        if symbol is not None:
            symbol.renew_band(ts_ns)

    def finish(self) -> None:
        """A command, or an order before the next, is over: what still moves has come to rest."""
        self.settle_auctions()
        if self.moving is not None and not self.moving.done and not self.moving.market_like:
            self._rest(self.moving)
        self.moving = None

    def settle_auctions(self) -> None:
        """The trades of an auction come: bands are measured from its price, inside what still stands."""
        for name, price in self._uncrossed.items():
            symbol = self.symbols[name]
            if price is None:
                symbol.band_reference = None
                symbol.renew_band(self.ts_ns)
                self.unpriced.append(symbol)
            else:
                symbol.band_reference, symbol.band_set_ns = symbol.inside(price), self.ts_ns
        self._uncrossed.clear()

    def fold(self, event: ev.Event) -> None:
        """Believe one event. One about an order that is not known is passed over."""
        match event:
            case ev.Accepted():
                self._accept(event)
            case ev.Filled():
                self._fill(event)
            case ev.Ended():
                self._end(event)
            case ev.Amended():
                self._amend(event)
            case ev.Triggered():
                self._trigger(event)
            case ev.StopPriceMoved() if event.order_id in self.by_id:
                self.by_id[event.order_id].stop_price = event.stop_price
            case ev.Replenished() if event.order_id in self.by_id:
                order = self.by_id[event.order_id]
                self.turns += 1
                order.turn, order.shown = self.turns, event.shown
            case ev.StatusChanged() | ev.LimitStateChanged() | ev.Uncrossed():
                self._market(event)
            case ev.InstrumentListed():
                self._list(event)
            case _:
                self._fold_account(event)

    def _fold_account(self, event: ev.Event) -> None:
        match event:
            case ev.Deposited():
                self.owned[event.account, event.asset] += event.amount
                self.issued[event.asset] += event.amount
            case ev.Withdrawn():
                self.owned[event.account, event.asset] -= event.amount
                self.issued[event.asset] -= event.amount
            case ev.AccountConfigured() if isinstance(self.command, ConfigureAccount):
                self.account(event.account).configuration = self.command
            case ev.AccountStopped():
                self.account(event.account).stopped = event.stopped

    def held_by_asset(self, account: int) -> Counter[str]:
        """What the open orders of an account need, by asset."""
        held: Counter[str] = Counter()
        for order in self.account(account).open:
            held[order.pays or self.paid_asset(order)] += self.hold(order)
        return held

    # -- one kind of event each

    def _accept(self, event: ev.Accepted) -> None:
        symbol, owner = self.symbols[event.symbol], self.account(event.account)
        terms = NO_TERMS if event.terms is None else event.terms
        asked = self.command.self_trade_prevention if isinstance(self.command, EnterOrder) else None
        mode = owner.mode(asked)
        if terms.parent is not None:
            mode = self.modes.get(terms.parent, mode)
        order = NaiveOrder(
            event.order_id,
            event.account,
            event.symbol,
            event.side,
            event.order_type,
            event.time_in_force,
            event.price,
            event.quantity,
            event.client_order_id,
            self.ts_ns,
            owner.rates(symbol.instrument),
            mode,
            terms.post_only,
            terms.display_quantity,
            terms.stop_price,
            terms.trail_amount,
            terms.trail_percent,
            terms.expire_ns,
            terms.take_profit,
            terms.stop_loss,
            terms.stop_loss_limit,
            terms.linked_to,
            terms.parent,
            waiting=event.waiting,
        )
        if order.has_exits:
            self.modes[order.order_id] = mode
        sibling = self.by_id.get(order.linked_to or 0)
        if sibling is not None:
            order.sibling = sibling
            sibling.sibling = order
        if order.buys and order.waiting and order.market_like:
            order.hold_price = symbol.hold_price(order.stop_price or 0)
        order.one_lot, order.pays = self.lot_hold(order), self.paid_asset(order)
        self.open.append(order)
        owner.open.append(order)
        self.by_id[order.order_id] = order
        if order.waiting:
            symbol.waiting.append(order)
        else:
            self._move(order)

    def _move(self, order: NaiveOrder) -> None:
        """An order begins to execute; the one before it has come to rest."""
        symbol = self.symbols[order.symbol]
        self.finish()
        self._unrest(order)
        if symbol.trading:
            collar = nearest(order.side, symbol.collar(order.side), order.hold_price) if order.market_like else None
            self.moving, self.worst = order, (collar, symbol.band(order.side))
        else:
            self._rest(order)

    def _trigger(self, event: ev.Triggered) -> None:
        order = self.by_id.get(event.order_id)
        if order is None:
            return
        self._wait_no_more(order)
        order.price = event.price
        order.one_lot = self.lot_hold(order)
        self._move(order)

    def _amend(self, event: ev.Amended) -> None:
        order = self.by_id.get(event.order_id)
        if order is None:
            return
        order.price, order.quantity = event.price, event.quantity
        if order.waiting and event.terms is not None:
            order.stop_price = event.terms.stop_price
            if order.buys and order.market_like and order.order_type is not OrderType.TRAILING_STOP:
                order.hold_price = self.symbols[order.symbol].hold_price(order.stop_price or 0)
        order.one_lot = self.lot_hold(order)
        if event.kept_priority:
            order.shown = min(order.shown, order.leaves)
        elif not order.waiting:
            self._move(order)

    def _fill(self, event: ev.Filled) -> None:
        symbol = self.symbols[event.symbol]
        if not event.self_trade:
            symbol.last_price = event.price
            if event.auction:
                self._uncrossed[event.symbol] = event.price
        instrument = symbol.instrument
        base = base_of(instrument, event.quantity)
        buyer, seller = event.taker_account, event.maker_account
        if event.taker_side is event.taker_side.SELL:
            buyer, seller = seller, buyer
        self.owned[buyer, instrument.base] += base
        self.owned[seller, instrument.base] -= base
        self.owned[buyer, instrument.quote] -= event.notional
        self.owned[seller, instrument.quote] += event.notional
        self.owned[event.maker_account, instrument.quote] -= event.maker_fee
        self.owned[event.taker_account, instrument.quote] -= event.taker_fee
        self.owned[FEES, instrument.quote] += event.maker_fee + event.taker_fee
        for order_id, fee in ((event.maker_order_id, event.maker_fee), (event.taker_order_id, event.taker_fee)):
            order = self.by_id.get(order_id)
            if order is not None:
                order.cum += event.quantity
                order.quote_cum += event.notional
                order.fees += fee
                order.shown = max(order.shown - event.quantity, 0)

    def _end(self, event: ev.Ended) -> None:
        order = self.by_id.pop(event.order_id, None)
        if order is None:
            return
        self._unrest(order)
        self._wait_no_more(order)
        self.open.remove(order)
        self.account(order.account).open.remove(order)
        order.done = True
        sibling, order.sibling = order.sibling, None
        if sibling is not None:
            sibling.sibling = None

    def _market(self, event: ev.StatusChanged | ev.LimitStateChanged | ev.Uncrossed) -> None:
        symbol = self.symbols[event.symbol]
        match event:
            case ev.StatusChanged():
                self.finish()
                symbol.status = event.status
                if event.status is TradingStatus.TRADING:
                    symbol.band_reference = None
                    symbol.renew_band(self.ts_ns)
            case ev.LimitStateChanged():
                symbol.limit_state = None if event.side is None else (event.side, self.ts_ns)
            case ev.Uncrossed():
                self._uncrossed[event.symbol] = None

    def _list(self, event: ev.InstrumentListed) -> None:
        instrument = event.instrument
        self.instruments[instrument.symbol] = instrument
        self.scales[instrument.base] = instrument.base_scale
        self.scales[instrument.quote] = instrument.quote_scale
        if instrument.symbol in self.symbols:
            self.symbols[instrument.symbol].list_again(instrument)
        else:
            self.symbols[instrument.symbol] = NaiveSymbol(instrument)

    # -- steps

    def _rest(self, order: NaiveOrder) -> None:
        self.turns += 1
        order.turn, order.shown, order.resting = self.turns, order.slice_of(order.leaves), True
        self.symbols[order.symbol].sides[order.side].append(order)

    def _unrest(self, order: NaiveOrder) -> None:
        if order.resting:
            self.symbols[order.symbol].sides[order.side].remove(order)
            order.resting = False

    def _wait_no_more(self, order: NaiveOrder) -> None:
        if order.waiting:
            self.symbols[order.symbol].waiting.remove(order)
            order.waiting = False


def _repeats(event: ev.Event) -> bool:
    """Whether it answers an order whose client order id came before, which nothing of the market is looked at for."""
    refused = isinstance(event, ev.Rejected) and event.reason in _OF_A_REPETITION
    return refused or isinstance(event, ev.DuplicateRequest)
