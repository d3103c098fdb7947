"""What a trader is told of ends: how far an order has come, what held it back, who cancelled it, what else was done."""

from __future__ import annotations

from typing import Any

import pytest

from engine.commands import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    Command,
    ConfigureAccount,
    Deposit,
    EnterOrder,
    ListInstrument,
    SetStatus,
    StopAccount,
    Withdraw,
)
from engine.instrument import Instrument
from engine.types import Amount, OrderId, OrderType, SelfTradePrevention, Side, TimeInForce, TradingStatus
from explain.explanation import CHAPTERS_MAX, chosen_seqs
from explain.order_index import OrderIndex
from tests.explain.market import ANN, BEN, CAT, INSTRUMENT, STEP_NS, SYMBOL, Market
from tests.explain.said import said


@pytest.mark.parametrize("maker", [False, True])
@pytest.mark.parametrize("change", [CancelOrder, AmendOrder])
def test_a_cancel_or_amend_that_came_too_late_leaves_the_sums_of_the_order(maker: bool, change: Any) -> None:
    market = Market()
    sell = market.enter(ANN, "sell", 5, 10000)
    buy = market.enter(BEN, "buy", 5, 10000)
    order_id, owner, fees = (OrderId(sell), ANN, "0.25") if maker else (OrderId(buy), BEN, "0.5")
    more: dict[str, Any] = {"quantity": 9} if change is AmendOrder else {"by_operator": False}
    market.do(change(owner, order_id, **more))
    explanation = market.order(order_id, owner)
    assert (explanation.filled, explanation.notional, explanation.fees, explanation.average_price) == (
        "5",
        "500",
        fees,
        "100.00",
    )
    last = explanation.chapters[-1]
    assert last.stopped_because == "too_late"
    assert [word for word in last.words if "done already" in word] == ["It was refused: the order was done already."]


def test_the_end_of_an_order_is_told_however_often_it_was_touched_afterwards() -> None:
    seqs = list(range(1, 4 * CHAPTERS_MAX))
    end = CHAPTERS_MAX
    chosen, left_out = chosen_seqs(seqs, end)
    assert end in chosen
    assert (chosen, len(chosen) + left_out) == (sorted(chosen), len(seqs))
    market = Market()
    market.enter(ANN, "sell", 5, 10000)
    buy = market.enter(BEN, "buy", 5, 10000)
    market.do(CancelOrder(BEN, OrderId(buy)))
    index = OrderIndex()
    for seq, events in enumerate(market.events, 1):
        index.add(seq, events)
    assert (index.seqs_of(buy), index.state_of(buy), index.state_of(999)) == ([buy, buy + 1], buy, None)


@pytest.mark.parametrize(
    ("by_operator", "came_of", "why", "reason"),
    [
        (True, "a cancel by the venue's operator", "the venue's operator cancelled it", "by_operator"),
        (False, "a cancel of yours", "that was asked for", "requested"),
        (None, "a cancel, by you or by the venue's operator", "that was asked for", "requested"),
    ],
)
@pytest.mark.parametrize("all_of_them", [False, True])
def test_who_cancelled_an_order_is_told(
    all_of_them: bool, by_operator: bool | None, came_of: str, why: str, reason: str
) -> None:
    market = Market()
    order = OrderId(market.enter(CAT, "buy", 3, 9900))
    cancel: Command = CancelOrder(CAT, order, by_operator=by_operator)
    market.do(CancelAll(CAT, by_operator=by_operator) if all_of_them else cancel)
    explanation = market.order(order, CAT)
    said(explanation, f"This came of {came_of}.", f"3 was cancelled because {why}; 0 had been filled.")
    assert explanation.chapters[-1].stopped_because == reason


KILLED = [
    (
        "cancel_newest",
        "others showed 5, 0 of it before your own order {own}.",
        "Self-trade prevention (cancel_newest): it would have met your own order {own}, 5 at 101.00, and ended there. "
        "Your own order stays as it was.",
    ),
    (
        "decrement",
        "others showed 5, 0 of it before your own order {own}.",
        "Self-trade prevention (decrement): it would have met your own order {own}, 5 at 101.00, and the smaller "
        "quantity would have been taken off both, so not all could be filled. Your own order stays as it was.",
    ),
    (
        "cancel_oldest",
        "others showed 5.",
        "Self-trade prevention (cancel_oldest): your own orders within its limit, showing 5, did not count. They stay "
        "as they were.",
    ),
    ("none", "others showed 5 and you yourself 5.", None),
]


@pytest.mark.parametrize(("mode", "shown", "sentence"), KILLED)
def test_a_fill_or_kill_that_ones_own_order_stopped_hears_of_it(mode: str, shown: str, sentence: str | None) -> None:
    market = Market()
    own = market.enter(BEN, "sell", 5, 10100)
    market.enter(ANN, "sell", 5, 10200)
    wanted = 11 if mode == "none" else 6 if mode == "cancel_oldest" else 5
    order = market.enter(BEN, "buy", wanted, 10200, "fok", prevention=SelfTradePrevention(mode))
    explanation = market.order(order, BEN)
    assert explanation.chapters[0].stopped_because == "fill_or_kill"
    kill = f"Fill or kill: {wanted} was wanted at once; within its limit {shown.format(own=own)}"
    behind = "Nothing behind that counts; hidden quantity before it does, and was not enough."
    said(explanation, f"{kill} {behind if 'before' in shown else 'Hidden quantity counts too, and was not enough.'}")
    decided = {one.protection: one.sentence for one in explanation.chapters[0].protections}
    assert decided.get("self_trade_prevention") == (None if sentence is None else sentence.format(own=own))


def test_a_fill_or_kill_at_the_market_counts_only_what_the_collar_allows() -> None:
    market = Market(collar=50_000, reference_price=10000)
    market.enter(ANN, "sell", 2, 10100)
    market.enter(ANN, "sell", 9, 10400)
    market.enter(ANN, "sell", 1, 9900)
    market.enter(CAT, "buy", 1, 9900)
    explanation = market.order(market.enter(CAT, "buy", 12, tif="fok"), CAT)
    said(
        explanation,
        "Fill or kill: 12 was wanted at once; within its limit others showed 2. Hidden quantity counts too, and was "
        "not enough.",
    )


def test_a_stop_that_its_hold_kept_back_hears_of_that_bound() -> None:
    market = Market()
    market.enter(ANN, "sell", 1, 10400)
    market.enter(ANN, "sell", 9, 11500)
    stop = market.enter(CAT, "buy", 5, kind="stop", stop_price=10400)
    market.enter(BEN, "buy", 1, 10400)
    explanation = market.order(stop, CAT)
    hold = "Hold: while it waited it held money for a price of up to 114.40: nothing above that could trade."
    said(
        explanation,
        hold,
        "5 was cancelled because the next offer, 115.00, was beyond 114.40, the most that it held money for; 0 had "
        "been filled.",
    )
    protections = [(one.protection, one.decision, one.sentence) for one in explanation.chapters[-1].protections]
    assert protections == [("hold", "stopped", hold)]


def test_a_market_order_hears_whether_the_collar_or_an_empty_book_ended_it() -> None:
    market = Market(collar=50_000, reference_price=10000)
    market.enter(ANN, "sell", 2, 10000)
    market.enter(BEN, "buy", 1, 9500)
    first = market.order(market.enter(CAT, "buy", 3), CAT)
    said(first, "1 was cancelled because no offer was left; 2 had been filled.")
    market.do(ListInstrument(Instrument(**{**INSTRUMENT, "reference_price": 10000})))
    market.enter(ANN, "sell", 2, 11000)
    market.do(ListInstrument(Instrument(**{**INSTRUMENT, "reference_price": 10000, "collar": 50_000})))
    market.enter(BEN, "sell", 1, 10100)
    explanation = market.order(market.enter(CAT, "buy", 3), CAT)
    said(
        explanation,
        "2 was cancelled because the next offer, 110.00, was beyond 105.00, the collar; 1 had been filled.",
    )


def spending(market: Market, budget: str, side: str = "buy") -> int:
    """Cat's market order for this much quote asset."""
    units = Amount(int(float(budget) * 10_000))
    return market.do(
        EnterOrder(
            CAT,
            SYMBOL,
            Side(side),
            OrderType.MARKET,
            TimeInForce.IOC,
            None,
            quote_quantity=units,
            self_trade_prevention=None,
        )
    )


def test_an_order_by_quote_quantity_hears_what_was_spent_and_why_not_the_rest() -> None:
    market = Market()
    market.enter(ANN, "sell", 3, 10000)
    partly = market.order(spending(market, "150.5"), CAT)
    said(
        partly,
        "It was filled in full.",
        "100 of 150.5 USD was spent, for 1; the 50.5 USD left is less than one more lot (1) costs.",
    )
    too_little = market.order(spending(market, "99"), CAT)
    said(
        too_little,
        "0 of 99 USD was spent, for 0; 99 USD was not, because that is less than one lot (1) costs at 100.00.",
    )
    assert not any(word.startswith("0 was cancelled") for word in too_little.words)
    too_much = market.order(spending(market, "500"), CAT)
    said(too_much, "200 of 500 USD was spent, for 2; 300 USD was not, because no offer was left.")
    market.enter(ANN, "buy", 2, 9900)
    sold = market.order(spending(market, "198", "sell"), CAT)
    said(sold, "198 of 198 USD was received, for 2.")


LISTED = Instrument(**{**INSTRUMENT, "symbol": "Y-USD", "base": "Y", "collar": 100_000})
DONE: list[tuple[Command, list[str]]] = [
    (
        CancelAll(CAT, by_operator=False),
        ["You asked to cancel every open order of the account.", f"3 orders were cancelled: 3 in {SYMBOL}."],
    ),
    (
        CancelAll(CAT, SYMBOL, Side.SELL, by_operator=True),
        [
            f"The venue's operator asked to cancel every open order of the account to sell in {SYMBOL}.",
            f"1 order was cancelled: 1 in {SYMBOL}.",
        ],
    ),
    (
        CancelAll(ANN, by_operator=False, among=(OrderId(1), OrderId(2))),
        [
            "You asked to cancel every open order of the account, and this is a part of that: 2 orders.",
            "No order was open.",
        ],
    ),
    (CancelAll(ANN), ["No order was open."]),
    (
        CancelOrder(CAT, client_order_id="mine", by_operator=False),
        [
            "You asked to cancel the order with the client_order_id mine.",
            f"Order 11 in {SYMBOL} was cancelled with 4 left.",
        ],
    ),
    (
        Withdraw(BEN, "USD", "12.5"),
        [
            "A withdrawal of 12.5 USD from account 3 was asked for.",
            "12.5 USD was withdrawn. 999987.5 USD is available now.",
        ],
    ),
    (
        Withdraw(BEN, "USD", "9000000"),
        ["A withdrawal of 9000000 USD from account 3 was asked for.", "It was refused: you had too little available."],
    ),
    (Deposit(BEN, "GOLD", "1"), ["It was refused: there is no such asset."]),
    (Deposit(BEN, "USD", "1", limit="2"), ["It was refused: all deposits together would have been above the limit."]),
    (
        SetStatus(SYMBOL, TradingStatus.HALTED),
        [f"The session of {SYMBOL} was to be halted.", f"The session of {SYMBOL} is halted now."],
    ),
    (
        SetStatus(SYMBOL, TradingStatus.AUCTION, 90 * STEP_NS),
        [
            f"The session of {SYMBOL} was to be auction until 1970-01-01 00:01:30.000 UTC, when trading begins by "
            "itself."
        ],
    ),
    (
        SetStatus(SYMBOL, TradingStatus.CLOSED),
        [f"1 order expired: 1 in {SYMBOL}."],
    ),
    (
        ListInstrument(LISTED),
        [
            "Y-USD was listed: Y for USD, in ticks of 0.01 and lots of 1; fees: maker 0.05 %, taker 0.1 %; collar: "
            "10 %; price band: none; at most 50 orders of an account open."
        ],
    ),
    (
        ConfigureAccount(CAT, "vip", taker_fee=200, max_open_orders=7),
        ["The tier is vip: taker fee 0.02 %, open orders at most 7; all else is as each symbol says."],
    ),
    (
        StopAccount(CAT, True),
        [
            "The account was stopped: it may enter, deposit and withdraw nothing.",
            f"3 orders were cancelled: 3 in {SYMBOL}.",
        ],
    ),
    (StopAccount(CAT, False), ["The account may trade again."]),
]


@pytest.mark.parametrize(("command", "sentences"), DONE, ids=lambda value: type(value).__name__)
def test_a_command_about_no_one_order_says_what_was_done(command: Command, sentences: list[str]) -> None:
    market = Market()
    market.enter(CAT, "buy", 2, 9900)
    market.enter(CAT, "sell", 3, 10900, "day")
    market.enter(CAT, "buy", 1, 9800)
    if isinstance(command, CancelOrder):
        named = {"quantity": 4, "price": 9700, "client_order_id": "mine"}
        market.do(EnterOrder(CAT, SYMBOL, Side.BUY, OrderType.LIMIT, TimeInForce.GTC, **named))
    chapter = market.command(market.do(command))
    said(chapter, *sentences)
    assert not any("carried out" in word for word in chapter.words)
