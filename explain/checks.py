"""The rules that an order went through, in their order, with the numbers that they compared.

Layer: explain. Pure: reads the exchange as it was before the command.
"""

from __future__ import annotations

from engine.book import OrderBook
from engine.commands import AmendOrder, EnterOrder, OrderOptions
from engine.entry import legs, prepare
from engine.exchange import Exchange
from engine.fees import hold_per_lot
from engine.order import Order
from engine.outcome import funds_needed
from engine.rejects import RejectReason
from engine.rulebook import DUPLICATES_FIRST_SINCE
from engine.rules import MAX_SLICES, reference_price, refuse_entry
from engine.triggers import pair_need
from engine.types import Amount, Lots, OrderType, Side, Ticks
from explain.answers import FundsSeen, RuleCheck
from explain.folded_book import FoldedBook
from explain.reasons import REJECTS
from listings.grid import Grid, amount_text, grid_of, percent

R = RejectReason
# The reasons stand in the order of precedence, those about entering an order first.
_ORDER = (*RejectReason,)
ENTRY_RULES = tuple(rule for rule in _ORDER[: _ORDER.index(R.SELF_TRADE) + 1] if rule is not R.MAYBE_REPEATED)
_BY_THE_FIRST_EDITION = (
    R.UNKNOWN_SYMBOL,
    R.SYMBOL_NOT_TRADING,
    R.ACCOUNT_STOPPED,
    R.DUPLICATE_CLIENT_ORDER_ID,
    *(
        rule
        for rule in ENTRY_RULES[ENTRY_RULES.index(R.ORDER_RATE_EXCEEDED) :]
        if rule is not R.SELF_TRADE_PREVENTION_NOT_ALLOWED
    ),
)
AMEND_RULES = (
    R.UNKNOWN_ORDER,
    R.TOO_LATE,
    R.SYMBOL_NOT_TRADING,
    R.UNSUPPORTED_COMBINATION,
    *ENTRY_RULES[ENTRY_RULES.index(R.BAD_TICK) : ENTRY_RULES.index(R.EXPIRE_TIME_PASSED)],
    R.BAD_TRIGGER,
    R.PRICE_OUTSIDE_COLLAR,
    R.INSUFFICIENT_FUNDS,
    R.POST_ONLY_WOULD_TAKE,
    R.SELF_TRADE,
)
CANCEL_RULES = (R.UNKNOWN_ORDER, R.TOO_LATE)

_NO_PRICES = ("display_quantity", "post_only", "expire_ns")
SAID_BY_REFUSAL = (R.UNKNOWN_ORDER, R.TOO_LATE, R.POST_ONLY_WOULD_TAKE, R.SELF_TRADE)  # the refusal says it all


def entry_rules(rulebook: int) -> tuple[RejectReason, ...]:
    """The rules of an order by this edition, in their order."""
    return ENTRY_RULES if rulebook >= DUPLICATES_FIRST_SINCE else _BY_THE_FIRST_EDITION


def checks_until(
    rules: tuple[RejectReason, ...], failed: RejectReason | None, sentences: dict[RejectReason, str]
) -> list[RuleCheck]:
    """Every rule up to the one that failed, or all of them."""
    found: list[RuleCheck] = []
    for rule in rules:
        sentence = sentences.get(rule)
        if rule is failed:
            found.append(RuleCheck(rule, False, sentence or REJECTS[rule].checked))
            return found
        found.append(RuleCheck(rule, True, sentence))
    if failed is not None:
        found.append(RuleCheck(failed, False, sentences.get(failed) or REJECTS[failed].checked))
    return found


def entry_sentences(exchange: Exchange, command: EnterOrder, book: OrderBook, ts_ns: int) -> dict[RejectReason, str]:
    """For each rule that compares numbers, a sentence with the numbers of this order."""
    owner = exchange.account(command.account)
    configured = owner.configuration
    options = command.options or OrderOptions()
    instrument = book.instrument
    said = _size_sentences(exchange, command, book)
    said[R.SYMBOL_NOT_TRADING] = f"The session of {command.symbol} was {book.status.replace('_', '-')}."
    if configured.max_orders_per_second is not None:
        most = configured.max_orders_per_second
        said[R.ORDER_RATE_EXCEEDED] = f"Your account may enter {most} orders in one second."
    if options.display_quantity is not None:
        said[R.BAD_DISPLAY_QUANTITY] = (
            f"An iceberg shows at least one lot, at most its quantity, and at least a hundredth of it: "
            f"{MAX_SLICES} slices."
        )
    if options.expire_ns is not None:
        late = (options.expire_ns - ts_ns) / 1e9
        said[R.EXPIRE_TIME_PASSED] = (
            f"It was to expire {late:.3f} s after it came."
            if late > 0
            else f"It was to expire {-late:.3f} s before it came."
        )
    count = owner.open_count.get(instrument.symbol, 0)
    said[R.TOO_MANY_OPEN_ORDERS] = (
        f"You had {count} open orders in {instrument.symbol}; {instrument.max_open_orders} are allowed."
    )
    if configured.max_open_orders is not None:
        said[R.TOO_MANY_OPEN_ORDERS] += (
            f" Over all symbols you had {len(owner.open_orders)}; your account may have {configured.max_open_orders}."
        )
    return said


def amend_sentences(exchange: Exchange, command: AmendOrder, order: Order, book: OrderBook) -> dict[RejectReason, str]:
    """For each rule about steps and sizes, a sentence with the numbers of this amend."""
    price = order.price if command.price is None else command.price
    quantity = order.quantity if command.quantity is None else command.quantity
    options = None if command.stop_price is None else OrderOptions(stop_price=command.stop_price)
    as_entry = EnterOrder(
        order.account,
        order.symbol,
        order.side,
        order.order_type,
        order.time_in_force,
        quantity,
        price,
        options=options,
    )
    said = _size_sentences(exchange, as_entry, book)
    said[R.SYMBOL_NOT_TRADING] = f"The session of {order.symbol} was {book.status.replace('_', '-')}."
    return said


def _size_sentences(exchange: Exchange, command: EnterOrder, book: OrderBook) -> dict[RejectReason, str]:
    """The rules about steps and sizes."""
    instrument, grid = book.instrument, grid_of(book.instrument)
    said: dict[RejectReason, str] = {}
    options = command.options or OrderOptions()
    prices = {name: getattr(options, name) for name in options.__struct_fields__ if name not in _NO_PRICES}
    for name, value in {"price": command.price, **prices}.items():
        if isinstance(value, str):
            said[R.BAD_TICK] = f"The {name} {value} is no whole number of ticks of {instrument.tick_size}."
    for quantity in (command.quantity, command.quote_quantity, options.display_quantity):
        if isinstance(quantity, str):
            said[R.BAD_LOT] = f"{quantity} is no whole number of lots of {instrument.lot_size}."
    quantity = command.quantity
    if isinstance(quantity, int):
        asked = grid.said(quantity)
        said[R.QUANTITY_TOO_SMALL] = f"You asked for {asked}; the least is {grid.said(instrument.min_quantity)}."
        said[R.QUANTITY_TOO_LARGE] = f"You asked for {asked}; the most is {grid.said(instrument.max_quantity)}."
    notional = _notional(command, book)
    if notional is not None:
        value, quote = grid.amount(notional), instrument.quote
        least, most = grid.amount(instrument.min_notional), grid.amount(instrument.max_notional)
        said[R.NOTIONAL_TOO_SMALL] = f"It was worth {value} {quote}; the least is {least}."
        said[R.NOTIONAL_TOO_LARGE] = f"It was worth {value} {quote}; the most is {most}."
        own = exchange.account(command.account).configuration.max_notional
        if own is not None:
            said[R.NOTIONAL_TOO_LARGE] += f" Your account may ask for {own} at most."
    return said


def _notional(command: EnterOrder, book: OrderBook) -> int | None:
    """What the order is judged to be worth; None when no rule asks for it."""
    if command.quantity is None:
        return command.quote_quantity if isinstance(command.quote_quantity, int) else None
    price = command.price
    if price is None:
        stop_price = None if command.options is None else command.options.stop_price
        price = reference_price(book, command.side) if command.order_type is OrderType.MARKET else stop_price
    if not isinstance(price, int) or not isinstance(command.quantity, int):
        return None
    return book.instrument.notional(Ticks(price), Lots(command.quantity))


def collar_sentence(book: FoldedBook, side: Side, price: Ticks | None, grid: Grid) -> str | None:
    """What the collar said to a price; None without a collar."""
    limit, reference = book.collar(side), book.reference(side)
    if limit is None or reference is None:
        return None
    direction, sign = ("above", "plus") if side is Side.BUY else ("below", "less")
    share = percent(book.instrument.collar or 0)
    rule = f"nothing trades {direction} {grid.price(limit)}, the reference {grid.price(reference)} {sign} {share} %"
    if price is None:
        return f"Collar: {rule}."
    beyond = price > limit if side is Side.BUY else price < limit
    return f"Collar: {rule}; you asked for {grid.price(price)}, which is {'beyond it' if beyond else 'within'}."


def entry_funds(exchange: Exchange, command: EnterOrder, book: OrderBook, ts_ns: int) -> FundsSeen | None:
    """What the order needed and what was available; None when an earlier rule refused it. Changes nothing."""
    owner = exchange.account(command.account)
    if refuse_entry(command, book, owner, exchange.ledger, ts_ns, exchange.rulebook) is not None:
        return None
    if command.order_type not in (OrderType.LIMIT, OrderType.MARKET):
        limit_leg, order = legs(exchange, command, book, owner)
        return seen_funds(exchange, order, pair_need(limit_leg, order))
    order, outcome, reason = prepare(exchange, command, book, owner)
    need: int | None = funds_needed(order, outcome, book.instrument)
    if order.price is None and reason is R.INSUFFICIENT_FUNDS:  # nothing was taken: what others hid stays hidden
        need = funds_needed(*prepare(exchange, command, book, owner, as_shown=True)[:2], book.instrument)
        need = need if need > order.pays.available else None
    return seen_funds(exchange, order, need)


def amend_funds(exchange: Exchange, command: AmendOrder, order: Order, book: OrderBook) -> FundsSeen | None:
    """What a change needed beyond what the order held; None when its numbers are off the grid."""
    quantity = order.quantity if command.quantity is None else command.quantity
    price = order.price if command.price is None else command.price
    price = order.hold_price if price is None else price
    if isinstance(quantity, str) or isinstance(price, str) or price is None:
        return None
    per_lot = hold_per_lot(order.side, price, book.instrument, order.maker_rate, order.taker_rate)
    more = (quantity - order.cum) * per_lot - order.leaves * order.hold_per_lot
    return seen_funds(exchange, order, max(more, 0))


def seen_funds(exchange: Exchange, order: Order, need: int | None) -> FundsSeen:
    """What the order needs and what its owner has available of that asset, as text.

    `need`: in minor units of the asset that the order pays with; None when it must not be shown.
    """
    scale = exchange.ledger.scales[order.paid_asset]
    needed = None if need is None else amount_text(Amount(need), scale)
    return FundsSeen(order.paid_asset, amount_text(order.pays.available, scale), needed)


def funds_sentence(funds: FundsSeen) -> str:
    """Funds in words."""
    needed = f"{funds.needed} {funds.asset}" if funds.needed is not None else "more, for what others hid"
    return f"It needed {needed}; {funds.available} {funds.asset} was available."
