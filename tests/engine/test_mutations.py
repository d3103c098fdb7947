"""The search is no comfort unless it finds what is broken: the engine is broken on purpose, one thing at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from audit.findings import Kind
from audit.search import Search
from engine import (
    auction,
    book,
    entry,
    execution,
    matcher,
    outcome,
    planning,
    rules,
    state,
    stops,
    trading_status,
    triggers,
)
from engine.balance import Balance
from engine.instrument import FEE_UNIT, Instrument
from engine.order import PriceLevel
from engine.types import SelfTradePrevention, Side

pytestmark = pytest.mark.slow

COMMANDS, SEEDS = 1_500, range(1, 11)  # the first seed is mostly enough, within a few hundred

Patch = pytest.MonkeyPatch
Break = Callable[[Patch], None]


def newest_first(patch: Patch) -> None:
    """An order joins its level at the front."""

    def prepend(level: PriceLevel, order: Any) -> None:
        orders = [order, *level]
        order.level, level.count = level, level.count + 1
        level.quantity += order.shown
        level.hidden += order.hidden
        level.head, level.tail = orders[0], orders[-1]
        for ahead, one in zip([None, *orders], orders, strict=False):
            one.ahead, one.behind = ahead, None
            if ahead is not None:
                ahead.behind = one

    patch.setattr(PriceLevel, "append", prepend)


def worst_price_first(patch: Patch) -> None:
    """The levels of a side are walked from the other end, as far as the limit goes."""
    whole = book.BookSide.__iter__

    def walked(side: book.BookSide) -> Any:
        levels = list(whole(side))
        return iter([*levels[1:2], *levels[:1], *levels[2:]])

    patch.setattr(book.BookSide, "__iter__", walked)


def no_band(patch: Patch) -> None:
    patch.setattr(book.OrderBook, "band_limit", lambda *_: None)


def band_of_a_tick_more(patch: Patch) -> None:
    limits = book.OrderBook.band_limits.fget

    def wider(of: book.OrderBook) -> Any:
        found = limits(of)
        return None if found is None else (max(found[0] - 1, 1), found[1] + 1)

    patch.setattr(book.OrderBook, "band_limits", property(wider))


def no_limit_state(patch: Patch) -> None:
    patch.setattr(execution, "_change_limit_state", lambda *_: None)


def refill_in_front(patch: Patch) -> None:
    """An iceberg's next slice keeps its place in the queue."""

    def replenish(level: PriceLevel, order: Any, display: int) -> None:
        hidden = max(order.leaves - display, 0)
        level.quantity += order.hidden - hidden
        level.hidden -= order.hidden - hidden
        order.hidden = hidden

    patch.setattr(PriceLevel, "replenish", replenish)


def refill_too_big(patch: Patch) -> None:
    display_of = planning.display_of
    for module in (planning, matcher):
        patch.setattr(module, "display_of", lambda order: display_of(order) + 1)


def unprevented(*modes: SelfTradePrevention) -> Break:
    """Self-trade prevention does not see its own orders, in some modes."""

    def broken(patch: Patch) -> None:
        own = planning._Walk.own
        patch.setattr(planning._Walk, "own", lambda walk, maker: walk._mode not in modes and own(walk, maker))

    return broken


def mode_as_another(mode: SelfTradePrevention, other: SelfTradePrevention) -> Break:
    """Orders in one mode are treated as in another."""

    def broken(patch: Patch) -> None:
        init = planning._Walk.__init__

        def begin(walk: Any, taker: Any, **given: Any) -> None:
            init(walk, taker, **given)
            walk._mode = other if walk._mode is mode else walk._mode

        patch.setattr(planning._Walk, "__init__", begin)

    return broken


def own_trades_are_prices(patch: Patch) -> None:
    patch.setattr(outcome, "no_price_for_others", lambda *_: None)


def own_trades_are_auction_prices(patch: Patch) -> None:
    decide = outcome.auction_outcome

    def decided(book: Any, found: Any, rulebook: int) -> Any:
        right = decide(book, found, rulebook)
        trades = [(taker, msgspec.structs.replace(fill, self_trade=False)) for taker, fill in right.trades]
        return msgspec.structs.replace(right, trades=trades, last_price=found.price)

    patch.setattr(trading_status, "auction_outcome", decided)


def own_trades_set_the_last_price(patch: Patch) -> None:
    """They are marked as no price, and are one all the same."""
    carry_out = execution.carry_out_trades

    def carried_out(book: Any, taker: Any, fills: Any, *others: Any) -> Any:
        done = carry_out(book, taker, fills, *others)
        book.last_price = fills[-1].price
        return done

    patch.setattr(execution, "carry_out_trades", carried_out)


def rounded_down(notional: int, *rates: int) -> tuple[int, ...]:
    return tuple(notional * rate // FEE_UNIT for rate in rates)


def fees_rounded_down(patch: Patch) -> None:
    patch.setattr(outcome, "trade_fees", rounded_down)


def auction_fees_rounded_down(patch: Patch) -> None:
    decide = outcome.auction_outcome

    def decided(*asked: Any) -> Any:
        with patch.context() as within:
            fees_rounded_down(within)
            return decide(*asked)

    patch.setattr(trading_status, "auction_outcome", decided)


def rebates_not_netted(patch: Patch) -> None:
    patch.setattr(outcome, "trade_fees", lambda paid, *rates: tuple(Instrument.fee(paid, rate) for rate in rates))


def a_unit_lost_on_every_fill(patch: Patch) -> None:
    settle = Balance.settle

    def leaky(pays: Balance, hold: int, paid: int, receives: Balance, received: int) -> None:
        settle(pays, hold, paid, receives, received - 1)

    patch.setattr(Balance, "settle", leaky)


def held_too_little(patch: Patch) -> None:
    per_lot = state.hold_per_lot
    patch.setattr(state, "hold_per_lot", lambda *asked: per_lot(*asked) - 1)


def uncross_at(choose: Callable[[Any, auction.Clearing], int]) -> Break:
    """Auctions clear at another price that the crossed orders allow."""

    def broken(patch: Patch) -> None:
        clearing = trading_status.clearing

        def found(crossed: Any) -> auction.Clearing | None:
            right = clearing(crossed)
            return None if right is None else msgspec.structs.replace(right, price=choose(crossed, right))

        patch.setattr(trading_status, "clearing", found)

    return broken


def a_tick_less(crossed: Any, right: auction.Clearing) -> int:
    return max(right.price - 1, crossed.asks.best_price)


def a_tick_more(crossed: Any, right: auction.Clearing) -> int:
    return min(right.price + 1, crossed.bids.best_price)


def auction_pairs_swapped(patch: Patch) -> None:
    pairs = outcome.pairs
    patch.setattr(outcome, "pairs", lambda *asked: [(taker, maker, lots) for maker, taker, lots in pairs(*asked)])


def triggered_in_reverse(patch: Patch) -> None:
    reached = stops.StopOrders.reached
    patch.setattr(stops.StopOrders, "reached", lambda waiting, price: reached(waiting, price)[::-1])


def triggered_a_tick_early(patch: Patch) -> None:
    found = stops.StopOrders._reached
    patch.setattr(stops.StopOrders, "_reached", staticmethod(lambda orders, key: found(orders, key + 1)))


def triggered_a_tick_late(patch: Patch) -> None:
    found = stops.StopOrders._reached
    patch.setattr(stops.StopOrders, "_reached", staticmethod(lambda orders, key: found(orders, key - 1)))


def take_profits_wait_as_stops(patch: Patch) -> None:
    patch.setattr(stops, "rises_to_trigger", lambda side, _: side is Side.BUY)


def nothing(name: str, module: Any) -> Break:
    """A step that is left out."""
    return lambda patch: patch.setattr(module, name, lambda *_, **__: None)


def trails_stand_still(patch: Patch) -> None:
    patch.setattr(stops.StopOrders, "follow", lambda waiting, price: [])


def post_only_takes(patch: Patch) -> None:
    patch.setattr(planning, "would_take", lambda *_: False)


def fok_takes_a_part(patch: Patch) -> None:
    plan = entry.plan_quantity
    patch.setattr(entry, "plan_quantity", lambda *asked, whole, **seen: plan(*asked, whole=False, **seen))


def no_collar(patch: Patch) -> None:
    for module in (rules, planning, outcome):
        patch.setattr(module, "collar_limit", lambda *_: None)


ORDER_OF_FILLS = {Kind.PRIORITY_INVERSION}
PREVENTION = {Kind.SELF_TRADE}
NEWEST, OLDEST = SelfTradePrevention.CANCEL_NEWEST, SelfTradePrevention.CANCEL_OLDEST
BOTH, DECREMENT = SelfTradePrevention.CANCEL_BOTH, SelfTradePrevention.DECREMENT
MODES = (NEWEST, OLDEST, BOTH, DECREMENT)

MUTATIONS: list[tuple[str, Break, set[Kind]]] = [
    ("priority within a level", newest_first, ORDER_OF_FILLS),
    ("best price first", worst_price_first, {Kind.TRADE_THROUGH}),
    ("the band", no_band, {Kind.BAND_VIOLATION}),
    ("the band's width", band_of_a_tick_more, {Kind.BAND_VIOLATION}),
    ("the limit state", no_limit_state, {Kind.BAND_VIOLATION}),
    ("the iceberg goes to the back", refill_in_front, ORDER_OF_FILLS | {Kind.ICEBERG_REFILL}),
    ("the iceberg's slice", refill_too_big, {Kind.ICEBERG_REFILL}),
    ("self-trade prevention", unprevented(*SelfTradePrevention), PREVENTION),
    *((f"self-trade prevention by {mode}", unprevented(mode), PREVENTION) for mode in MODES),
    ("cancel oldest as newest", mode_as_another(OLDEST, NEWEST), PREVENTION),
    ("cancel newest as both", mode_as_another(NEWEST, BOTH), PREVENTION),
    ("cancel both as oldest", mode_as_another(BOTH, OLDEST), PREVENTION),
    ("decrement as cancel oldest", mode_as_another(DECREMENT, OLDEST), PREVENTION),
    ("trades with oneself are no price", own_trades_are_prices, {Kind.SELF_TRADE_PRICE}),
    ("auction trades with oneself are no price", own_trades_are_auction_prices, {Kind.SELF_TRADE_PRICE}),
    ("trades with oneself set no last price", own_trades_set_the_last_price,
     {Kind.WRONG_TRIGGER, Kind.MISSED_TRIGGER, Kind.COLLAR_VIOLATION, Kind.BAND_VIOLATION, Kind.DIFFERENCE}),
    ("the rounding of fees", fees_rounded_down, {Kind.WRONG_FEE}),
    ("the rounding of auction fees", auction_fees_rounded_down, {Kind.WRONG_FEE}),
    ("rebates are no more than the other fee", rebates_not_netted, {Kind.WRONG_FEE}),
    ("conservation of money", a_unit_lost_on_every_fill, {Kind.UNBALANCED, Kind.NEGATIVE_BALANCE}),
    ("holds", held_too_little, {Kind.WRONG_HOLD}),
    ("the uncross price", uncross_at(a_tick_less), {Kind.AUCTION_PRICE}),
    ("the uncross price, the other way", uncross_at(a_tick_more), {Kind.AUCTION_PRICE}),
    ("the older is the maker", auction_pairs_swapped, {Kind.DIFFERENCE, Kind.WRONG_FEE, Kind.ENGINE_STOPPED}),
    ("the order of triggers", triggered_in_reverse, {Kind.MISSED_TRIGGER, Kind.DIFFERENCE}),
    ("stops wait for their price", triggered_a_tick_early, {Kind.WRONG_TRIGGER}),
    ("stops trigger at their price", triggered_a_tick_late, {Kind.MISSED_TRIGGER}),
    ("take-profits wait on the other side", take_profits_wait_as_stops, {Kind.WRONG_TRIGGER}),
    ("stops reached at entry trigger", nothing("trigger_at_once", triggers),
     {Kind.MISSED_TRIGGER}),
    ("trailing", trails_stand_still, {Kind.MISSED_TRIGGER}),
    ("post-only", post_only_takes, {Kind.POST_ONLY_TOOK}),
    ("fill or kill", fok_takes_a_part, {Kind.FILL_OR_KILL_PARTIAL}),
    ("the collar", no_collar, {Kind.COLLAR_VIOLATION}),
    ("one cancels other", nothing("end_sibling", state.ExchangeState), {Kind.DIFFERENCE}),
    ("exits of brackets", nothing("note_exits", execution), {Kind.DIFFERENCE}),
    ("the close", nothing("_close", trading_status), {Kind.DIFFERENCE}),
]  # fmt: skip


@pytest.mark.parametrize(("broken", "kinds"), [case[1:] for case in MUTATIONS], ids=[case[0] for case in MUTATIONS])
def test_a_broken_rule_is_found_and_named(broken: Break, kinds: set[Kind], monkeypatch: Patch) -> None:
    broken(monkeypatch)
    found: list[Kind] = []
    for seed in SEEDS:
        search = Search(seed)
        search.run(COMMANDS)
        found += [finding.kind for finding in search.auditor.findings]
        if kinds & set(found):
            return
    pytest.fail(f"found {found} and none of {kinds}; {search.problem}")
