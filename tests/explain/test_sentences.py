"""What a trader is told of each kind of order, and of each way it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from engine.commands import (
    AdoptRulebook,
    AdvanceTime,
    AmendOrder,
    CancelOrder,
    ConfigureAccount,
    EnterOrder,
    OrderOptions,
    SetStatus,
    StopAccount,
)
from engine.rejects import RejectReason
from engine.rulebook import CURRENT_EDITION, FIRST_EDITION
from engine.types import (
    OrderId,
    OrderType,
    PostOnly,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TradingStatus,
    leg_id,
)
from explain.checks import ENTRY_RULES, checks_until, entry_rules
from explain.reasons import REJECTS
from tests.explain.market import ANN, BEN, CAT, STEP_NS, SYMBOL, Market
from tests.explain.said import said


def test_a_limit_order_that_walks_three_levels() -> None:
    market = Market(collar=100_000)
    market.enter(BEN, "sell", 2, 10050)
    market.enter(ANN, "sell", 1, 10060)
    market.enter(BEN, "sell", 1, 10060)
    market.enter(BEN, "sell", 5, 10070)
    market.enter(BEN, "sell", 5, 10200)
    taker = market.enter(CAT, "buy", 10, 10070)
    explanation = market.order(taker, CAT)
    said(
        explanation,
        "You asked to buy 10 at 100.70 or better, until it is filled or cancelled.",
        "It needed 1008.007 USD; 1000000 USD was available.",
        "The best offer was 100.50, with 2 from 1 order.",
        "At 100.50, where 1 order showed 2, it took 2 (2 from the 1st in the queue, which showed 2): 2 in all.",
        "At 100.60, where 2 orders showed 2, it took 2 (1 from the 1st in the queue, which showed 1; "
        "1 from the 2nd in the queue, which showed 1): 4 in all.",
        "At 100.70, where 1 order showed 5, it took 5 (5 from the 1st in the queue, which showed 5): 9 in all.",
        "It took no more because the next offer, 102.00, was beyond its limit 100.70.",
        "1 rests, first in the queue at 100.70.",
        "Taker fee: 0.1 % of 201 USD is 0.201 USD.",
    )
    (chapter,) = explanation.chapters
    assert [(level.price, level.taken, level.cumulative) for level in chapter.levels] == [
        ("100.50", "2", "2"),
        ("100.60", "2", "4"),
        ("100.70", "5", "9"),
    ]
    assert chapter.book is not None
    assert [level.price for level in chapter.book.opposite] == ["100.50", "100.60", "100.70", "102.00"]
    assert (chapter.book.reference_price, chapter.book.collar_limit) == ("100.50", "110.55")
    assert all(check.passed for check in chapter.checks)
    assert [check.rule for check in chapter.checks] == list(entry_rules(FIRST_EDITION))
    assert (explanation.filled, explanation.notional, explanation.fees) == ("9", "905.7", "0.9057")
    assert (chapter.asked.price, chapter.asked.quantity) == ("100.70", "10") if chapter.asked else False


def test_an_order_that_rested_hears_who_stood_ahead_and_how_it_was_filled() -> None:
    market = Market()
    ahead = market.enter(BEN, "buy", 4, 9900)
    order = market.enter(CAT, "buy", 3, 9900)
    market.do(CancelOrder(BEN, OrderId(ahead)))
    seller = market.enter(ANN, "sell", 2, 9900)
    explanation = market.order(order, CAT)
    entry, fill = explanation.chapters
    assert entry.place_after is not None
    assert (entry.place_after.orders_ahead, entry.place_after.quantity_ahead) == (1, "4")
    said(entry, "3 rests, behind 1 order showing 4 at 99.00.")
    assert fill.seq == seller
    said(
        fill,
        "This came of an incoming order to sell.",
        "Before it the order stood first in the queue at 99.00.",
        "A seller sold to it 2 at its price 99.00 in trade 1: no better price stood, and nobody was left before it "
        "in the queue.",
        "Maker fee: 0.05 % of 198 USD is 0.099 USD.",
    )
    assert (explanation.filled, fill.fills[0].role, fill.fills[0].aggressor_side) == ("2", "maker", "sell")


def test_a_fill_or_kill_that_is_killed_hears_what_was_there() -> None:
    market = Market()
    market.enter(BEN, "sell", 2, 10000)
    market.enter(BEN, "sell", 2, 10100)
    explanation = market.order(market.enter(CAT, "buy", 3, 10000, "fok"), CAT)
    said(
        explanation,
        "Fill or kill: 3 was wanted at once; within its limit others showed 2. Hidden quantity counts too, and was "
        "not enough.",
        "3 was cancelled because not all of it could be filled at once, so nothing was; 0 had been filled.",
    )
    assert explanation.chapters[0].stopped_because == "fill_or_kill"


def test_an_iceberg_tells_its_owner_of_its_slices_and_its_taker_only_what_showed() -> None:
    market = Market()
    iceberg = market.enter(BEN, "sell", 50, 10000, display_quantity=2)
    market.enter(ANN, "sell", 1, 10000)
    taker = market.enter(CAT, "buy", 5, 10000)
    owner = market.order(iceberg, BEN)
    assert "Its slice was used up: it showed the next 2, at the back of 100.00." in owner.words
    explanation = market.order(taker, CAT)
    said(
        explanation,
        "At 100.00, where 2 orders showed 3, it took 5 (4 from the 1st in the queue, which showed 2 "
        "(an iceberg, slice by slice); 1 from the 2nd in the queue, which showed 1): 5 in all.",
    )
    assert not any("46" in word or "50 " in word for word in explanation.words)
    assert {line.order_id for level in explanation.chapters[0].levels for line in level.queue} == {None}


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [
        ("cancel_newest", "Self-trade prevention: the next it would have met was your own order {own}, 3 at 100.60."),
        ("cancel_oldest", "Self-trade prevention: it met your own order {own} with 3 at 100.60, which was cancelled."),
        ("cancel_both", "Self-trade prevention: it met your own order {own} with 3 at 100.60, which was cancelled."),
        ("decrement", "Self-trade prevention: it met your own order {own}; the smaller quantity was taken off both."),
    ],
)
def test_self_trade_prevention_tells_what_it_met(mode: str, sentence: str) -> None:
    market = Market()
    market.enter(BEN, "sell", 2, 10050)
    own = market.enter(CAT, "sell", 3, 10060)
    taker = market.enter(CAT, "buy", 4, 10060, prevention=SelfTradePrevention(mode))
    explanation = market.order(taker, CAT)
    said(explanation, sentence.format(own=own))
    if mode != "cancel_newest":
        assert str(own) in {
            line.order_id for level in explanation.chapters[0].levels for line in level.queue if line.own
        }


def test_a_post_only_order_that_slides() -> None:
    market = Market()
    market.enter(BEN, "sell", 2, 10100)
    explanation = market.order(market.enter(CAT, "buy", 1, 10200, post_only=PostOnly.SLIDE), CAT)
    said(explanation, "Post-only: it would have taken, so its price 102.00 became 100.99, a tick behind.")


def test_the_band_clips_a_price_and_begins_a_limit_state() -> None:
    market = Market(band=20_000, reference_price=10000)
    market.enter(BEN, "sell", 1, 10000)
    market.enter(ANN, "buy", 1, 10000)
    market.enter(BEN, "sell", 2, 10100)
    market.enter(BEN, "sell", 2, 10300)
    explanation = market.order(market.enter(CAT, "buy", 4, 10400), CAT)
    said(
        explanation,
        "Price band: trades from 98.00 to 102.00 were allowed.",
        "Price band: its price 104.00 became 102.00, the edge of the band.",
        "Limit state: the band stopped it at 102.00, so the symbol became limit-up.",
    )
    market_order = market.order(market.enter(CAT, "buy", 1), CAT)
    said(market_order, "Price band: more was on offer, but only beyond the band.")
    assert market_order.chapters[0].stopped_because == "price_band"


def test_a_cascade_names_the_trade_that_triggered_and_the_book_as_it_was_then() -> None:
    market = Market()
    market.enter(BEN, "sell", 2, 10100)
    market.enter(BEN, "sell", 9, 10200)
    first = market.enter(CAT, "buy", 3, kind="stop", stop_price=10050)
    second = market.enter(ANN, "buy", 2, 10250, kind="stop_limit", stop_price=10150)
    market.enter(ANN, "buy", 1, 10100)
    said(
        market.order(first, CAT),
        "It waits until the last price reaches 100.50.",
        "The stop price 100.50 was reached by trade 1 at 101.00: it became a market order.",
        "The best offer was 101.00, with 1 from 1 order.",
        "At 102.00, where 1 order showed 9, it took 2 (2 from the 1st in the queue, which showed 9): 3 in all.",
    )
    said(
        market.order(second, ANN),
        "The stop price 101.50 was reached by trade 3 at 102.00: it became a limit order at 102.50.",
        "The best offer was 102.00, with 7 from 1 order.",
    )


def test_a_take_profit_names_the_side_it_waits_for_and_the_trade_that_triggered_it() -> None:
    market = Market()
    market.enter(BEN, "buy", 2, 10000)
    market.enter(BEN, "buy", 9, 9900)
    order = market.enter(CAT, "sell", 3, kind="take_profit", stop_price=9990)
    market.enter(ANN, "sell", 1, 10000)
    said(
        market.order(order, CAT),
        "You asked to sell 3 at the market once the last price rises to 99.90, until it is filled or cancelled.",
        "It waits until the last price reaches 99.90.",
        "The stop price 99.90 was reached by trade 1 at 100.00: it became a market order.",
        "The best bid was 100.00, with 1 from 1 order.",
    )


def test_a_trailing_stop_tells_how_it_followed() -> None:
    market = Market(reference_price=10000)
    trailing = market.enter(CAT, "sell", 1, kind="trailing_stop", trail_amount=100)
    market.enter(BEN, "sell", 1, 10300)
    market.enter(ANN, "buy", 1, 10300)
    said(
        market.order(trailing, CAT),
        "You asked to sell 1 at the market once the last price has come back by 1.00 from its best, until it is "
        "filled or cancelled.",
        "It waits until the last price reaches 99.00.",
        "The market moved, and its stop price followed to 102.00.",
    )


def test_one_cancels_other_names_the_other_leg() -> None:
    market = Market()
    pair = market.enter(CAT, "sell", 2, 10400, kind="oco", stop_price=9000)
    market.enter(BEN, "buy", 1, 10400)
    explanation = market.order(leg_id(OrderId(pair), 2), CAT)
    said(explanation, f"2 was cancelled because of its other leg, order {pair}: trade 1 filled it.")


def test_a_bracket_tells_of_its_exits_and_they_of_it() -> None:
    market = Market()
    entry = OrderId(market.enter(CAT, "buy", 1, 9500, take_profit=9900, stop_loss=9000))
    market.enter(ANN, "sell", 1, 9500)
    begins = "It had ended with something filled, so its exit was entered"
    said(
        market.order(entry, CAT),
        f"{begins}: a take-profit to sell 1 at 99.00, order {leg_id(entry, 1)}.",
        f"{begins}: a stop loss to sell 1 at 90.00, order {leg_id(entry, 2)}.",
        "It was filled in full.",
    )
    said(
        market.order(leg_id(entry, 1), CAT),
        f"This is an exit of order {entry}, entered when that had ended with 1 filled: "
        "a take-profit to sell 1 at 99.00.",
    )


def test_an_exit_that_is_entered_with_its_entry_tells_nothing_of_what_that_asked_for() -> None:
    market = Market(band=100_000, reference_price=10000)
    market.enter(ANN, "sell", 1, 10000)
    entry = OrderId(market.enter(CAT, "buy", 1, 10050, take_profit=10900, stop_loss=9500))
    chapter = market.order(leg_id(entry, 1), CAT).chapters[0]
    assert (chapter.side, chapter.asked, chapter.funds, chapter.checks) == ("sell", None, None, [])
    said(chapter, "This came of an order of yours.", "1 rests, first in the queue at 109.00.")
    assert not any("became" in word or "asked" in word for word in chapter.words), chapter.words


def test_neither_collar_nor_band_is_told_while_orders_gather() -> None:
    market = Market(band=50_000, collar=50_000, reference_price=10000)
    market.do(SetStatus(SYMBOL, TradingStatus.AUCTION))
    chapter = market.order(market.enter(CAT, "buy", 5, 19000), CAT).chapters[0]
    assert chapter.book is not None
    assert (chapter.protections, chapter.book.band_high) == ([], None)


def test_a_change_tells_of_the_price_that_it_could_not_have() -> None:
    market = Market()
    market.enter(BEN, "sell", 2, 10100)
    order = OrderId(market.enter(CAT, "buy", 1, 10200, post_only=PostOnly.SLIDE))
    market.do(AmendOrder(CAT, order, price=10500))
    said(
        market.order(order, CAT).chapters[1],
        "It kept its place: its price is as it was, and its quantity no higher.",
        "Post-only: it would have taken, so its price 105.00 became 100.99, a tick behind.",
    )


def test_an_auction_trade_tells_why_that_price() -> None:
    market = Market(reference_price=10000)
    market.do(SetStatus(SYMBOL, TradingStatus.AUCTION))
    buyer = market.enter(CAT, "buy", 5, 10100)
    seller = market.enter(BEN, "sell", 3, 9900)
    market.enter(BEN, "sell", 1, 10050)
    market.do(SetStatus(SYMBOL, TradingStatus.TRADING))
    said(market.order(buyer, CAT), "Orders were gathering (auction): nothing matches before the auction.")
    explanation = market.trade(1, seller, BEN)
    said(
        explanation,
        "The auction set one price for all its trades, 100.50: there the most could trade, 4, and buyers wanted 1 "
        "more there.",
        "It sold 3 at the auction's price 100.50 in trade 1, as the younger of the two orders.",
    )
    rows = [(row.price, row.demand, row.supply, row.volume, row.chosen) for row in explanation.chapters[0].auction]
    assert rows == [("101.00", "5", "4", "4", False), ("100.50", "5", "4", "4", True), ("99.00", "5", "3", "3", False)]
    assert (explanation.filled, explanation.fees) == ("3", "0.3015")


def test_amends_tell_whether_the_place_was_kept() -> None:
    market = Market()
    market.enter(BEN, "buy", 4, 9900)
    order = OrderId(market.enter(CAT, "buy", 5, 9900))
    market.do(AmendOrder(CAT, order, quantity=3))
    market.do(AmendOrder(CAT, order, price=9950))
    market.do(AmendOrder(CAT, order, price="1.5"))
    market.do(CancelOrder(CAT, order))
    said(
        market.order(order, CAT),
        "You asked to change the quantity to 3.",
        "It kept its place: its price is as it was, and its quantity no higher.",
        "You asked to change the price to 99.50.",
        "It lost its place: a new price or a higher quantity goes to the back.",
        "It was refused: a price was off the ticks.",
        "The price 1.5 is no whole number of ticks of 0.01.",
        "3 was cancelled because that was asked for; 0 had been filled.",
    )


def test_an_order_that_expires() -> None:
    market = Market()
    seq = len(market.commands) + 1
    order = market.enter(CAT, "buy", 5, 9900, "gtd", expire_ns=(seq + 1) * STEP_NS)
    market.do(AdvanceTime())
    said(
        market.order(order, CAT),
        "This came of the clock.",
        "Its time was over: it expired with 5 left and 0 filled.",
    )


def test_a_trade_tells_its_taker_that_no_better_price_stood() -> None:
    market = Market()
    market.enter(BEN, "sell", 2, 10050)
    market.enter(BEN, "sell", 2, 10060)
    taker = market.enter(CAT, "buy", 4, 10100)
    explanation = market.trade(2, taker, CAT)
    said(
        explanation,
        "A trade is at the price of the order that rested, 100.60: no better price stood then, and that order was "
        "first in its queue.",
    )
    assert (explanation.trade_id, explanation.filled, [fill.trade_id for fill in explanation.chapters[0].fills]) == (
        "2",
        "2",
        ["2"],
    )


def entering(**changes: Any) -> EnterOrder:
    """A limit order of Cat's to buy 5 at 100.00, changed."""
    fields: dict[str, Any] = {
        "account": CAT,
        "symbol": SYMBOL,
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "time_in_force": TimeInForce.GTC,
        "quantity": 5,
        "price": 10000,
        "self_trade_prevention": None,
    }
    return EnterOrder(**{**fields, **changes})


LIMITS: dict[str, Any] = {
    "collar": 100_000,
    "reference_price": 10000,
    "min_quantity": 2,
    "max_quantity": 20_000,
    "min_notional": 1_000_000,
    "max_notional": 2_000_000_000_000,
    "max_open_orders": 3,
}
R = RejectReason
REFUSED = {
    R.UNKNOWN_SYMBOL: (entering(symbol="Y-USD"), "It was refused: there is no such symbol."),
    R.UNSUPPORTED_COMBINATION: (
        entering(price=None),
        "Order type, time in force, price, quantity and options did not go together.",
    ),
    R.SELF_TRADE_PREVENTION_NOT_ALLOWED: (
        entering(self_trade_prevention=SelfTradePrevention.NONE),
        "It was to go without self-trade prevention, which your account may not.",
    ),
    R.BAD_TICK: (entering(price="100.005"), "The price 100.005 is no whole number of ticks of 0.01."),
    R.BAD_LOT: (entering(quantity="1.5"), "1.5 is no whole number of lots of 1."),
    R.QUANTITY_TOO_SMALL: (entering(quantity=1), "You asked for 1; the least is 2."),
    R.QUANTITY_TOO_LARGE: (entering(quantity=20_001), "You asked for 20001; the most is 20000."),
    R.NOTIONAL_TOO_SMALL: (entering(price=10), "It was worth 0.5 USD; the least is 100."),
    R.NOTIONAL_TOO_LARGE: (
        entering(quantity=20_000, price=1_100_000),
        "It was worth 220000000 USD; the most is 200000000.",
    ),
    R.BAD_DISPLAY_QUANTITY: (
        entering(options=OrderOptions(display_quantity=6)),
        "An iceberg shows at least one lot, at most its quantity, and at least a hundredth of it: 100 slices.",
    ),
    R.EXPIRE_TIME_PASSED: (
        entering(time_in_force=TimeInForce.GTD, options=OrderOptions(expire_ns=STEP_NS)),
        "It was to expire 8.000 s before it came.",
    ),
    R.BAD_TRIGGER: (
        entering(order_type=OrderType.OCO, options=OrderOptions(stop_price=9000)),
        "Stop, limit and exit prices stood on the wrong side of each other, or there was nothing to trail.",
    ),
    R.PRICE_OUTSIDE_COLLAR: (
        entering(price=11001),
        "Collar: nothing trades above 110.00, the reference 100.00 plus 10 %; you asked for 110.01, which is beyond "
        "it.",
    ),
    R.INSUFFICIENT_FUNDS: (
        entering(quantity=15_000),
        "It needed 1501500 USD; 1000000 USD was available.",
    ),
    R.POST_ONLY_WOULD_TAKE: (
        entering(price=10100, options=OrderOptions(post_only=PostOnly.REJECT)),
        "Post-only: its price reached the opposite side.",
    ),
    R.SELF_TRADE: (
        entering(price=10100),
        "Self-trade prevention: the next it would have met was your own order 8, 5 at 101.00.",
    ),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_refused_order_hears_which_rule_with_the_numbers(reason: RejectReason) -> None:
    command, sentence = REFUSED[reason]
    market = Market(**LIMITS)
    market.enter(CAT, "sell", 5, 10100)
    if reason is R.SELF_TRADE_PREVENTION_NOT_ALLOWED:
        market.do(AdoptRulebook(CURRENT_EDITION))
    explanation = market.command(market.do(command))
    said(explanation, sentence)
    assert explanation.stopped_because == reason
    if reason is not R.UNKNOWN_SYMBOL:
        assert [check.rule for check in explanation.checks if not check.passed] == [reason]
        assert explanation.checks[-1].rule == reason


STATES = {
    R.SYMBOL_NOT_TRADING: (SetStatus(SYMBOL, TradingStatus.HALTED), f"The session of {SYMBOL} was halted."),
    R.ACCOUNT_STOPPED: (
        StopAccount(CAT, True),
        "An operator has stopped your account: it may cancel, but enter nothing.",
    ),
    R.ORDER_RATE_EXCEEDED: (
        ConfigureAccount(CAT, "slow", max_orders_per_second=0),
        "Your account may enter 0 orders in one second.",
    ),
    R.TOO_MANY_OPEN_ORDERS: (
        ConfigureAccount(CAT, "few", max_open_orders=0),
        f"You had 0 open orders in {SYMBOL}; 3 are allowed. Over all symbols you had 0; your account may have 0.",
    ),
    R.DUPLICATE_CLIENT_ORDER_ID: (
        entering(client_order_id="a", quantity=6),
        "You used this client_order_id before, for an order with other fields.",
    ),
}


@pytest.mark.parametrize("reason", STATES)
def test_an_order_refused_for_the_state_it_met_hears_of_that_state(reason: RejectReason) -> None:
    before, sentence = STATES[reason]
    market = Market(**LIMITS)
    market.do(before)
    explanation = market.command(market.do(entering(client_order_id="a")))
    said(explanation, sentence)
    assert explanation.stopped_because == reason


@pytest.mark.parametrize(
    ("command", "reason"),
    [(CancelOrder(CAT, OrderId(99)), R.UNKNOWN_ORDER), (AmendOrder(CAT, OrderId(99), quantity=1), R.UNKNOWN_ORDER)],
)
def test_a_refused_cancel_or_amend_hears_why(command: Any, reason: RejectReason) -> None:
    market = Market()
    explanation = market.command(market.do(command))
    assert explanation.stopped_because == reason


WITH_WORDS = {reason: text.checked for reason, text in REJECTS.items() if text.checked is not None}


@pytest.mark.parametrize("reason", WITH_WORDS)
def test_a_rule_that_compares_no_numbers_says_what_the_table_of_reasons_has_for_it(reason: RejectReason) -> None:
    for rules in (ENTRY_RULES, ()):
        failed = checks_until(rules, reason, {})[-1]
        assert (failed.rule, failed.passed, failed.sentence) == (reason, False, WITH_WORDS[reason])


def test_every_reject_reason_of_an_order_has_its_test() -> None:
    assert set(REFUSED) | set(STATES) <= set(ENTRY_RULES)
    assert set(ENTRY_RULES) - set(REFUSED) - set(STATES) <= set(WITH_WORDS)
