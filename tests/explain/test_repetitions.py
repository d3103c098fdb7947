"""An order that was sent again: what its own command tells, and what the first order's story tells of it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from engine.commands import AdoptRulebook, CancelOrder, EnterOrder, SetStatus
from engine.rulebook import CURRENT_EDITION
from engine.types import Lots, OrderType, Side, Ticks, TimeInForce, TradingStatus
from tests.explain.market import ANN, BEN, CAT, SYMBOL, Market

ORDER = EnterOrder(
    ANN, SYMBOL, Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Lots(5), Ticks(100), "mine", self_trade_prevention=None
)


@pytest.fixture
def market() -> Market:
    market = Market()
    market.do(AdoptRulebook(CURRENT_EDITION))
    return market


def test_a_first_orders_story_has_no_empty_chapter_however_its_name_came_again(market: Market) -> None:
    first = market.do(ORDER)
    market.do(ORDER)
    market.do(replace(ORDER, quantity=Lots(7)))
    market.do(SetStatus(SYMBOL, TradingStatus.HALTED))
    market.do(ORDER)
    market.do(CancelOrder(ANN, None, "mine"))
    market.do(CancelOrder(ANN, None, "mine"))
    market.do(CancelOrder(ANN, first))
    market.do(ORDER)
    chapters = market.order(first, ANN).chapters
    happened = ["accepted", "repeated", "id_used", "repeated", "cancelled", "rejected", "rejected", "repeated"]
    assert [chapter.happened for chapter in chapters] == [[what] for what in happened]
    sentences = [chapter.words[-1] for chapter in chapters]
    assert sentences[1] == "The same order was sent again under its client_order_id: nothing was entered."
    assert sentences[2] == "Another order was sent under its client_order_id, and refused: this one has it."
    assert sentences[5] == sentences[6] == "It was refused: the order was done already."


def test_a_repetitions_chapter_says_which_order_it_repeats_and_points_there(market: Market) -> None:
    first = market.do(ORDER)
    market.do(SetStatus(SYMBOL, TradingStatus.HALTED))
    explanation = market.command(market.do(ORDER))
    assert (explanation.order_id, explanation.happened, explanation.funds) == (None, ["repeated"], None)
    assert explanation.words[1:] == [
        "You asked to buy 5 at 1.00 or better, until it is filled or cancelled.",
        f"It is order {first} again, under the same client_order_id: nothing was entered. "
        f"GET /order/{first}/explain tells what became of that.",
    ]
    assert [(check.rule, check.passed) for check in explanation.checks] == [("unknown_symbol", True)]


def test_an_order_under_a_used_name_went_through_the_rules_in_the_order_of_its_edition(market: Market) -> None:
    older = Market()
    for venue in (older, market):
        venue.do(ORDER)
    other = replace(ORDER, quantity=Lots(7))
    explanation = [[check.rule for check in venue.command(venue.do(other)).checks] for venue in (older, market)]
    assert explanation == [
        ["unknown_symbol", "symbol_not_trading", "account_stopped", "duplicate_client_order_id"],
        ["unknown_symbol", "duplicate_client_order_id"],
    ]


def test_an_order_of_the_first_edition_is_not_said_to_have_passed_a_rule_of_the_second(market: Market) -> None:
    rules = [[check.rule for check in venue.command(venue.do(ORDER)).checks] for venue in (Market(), market)]
    assert [rule for rule in rules[1] if rule not in rules[0]] == ["self_trade_prevention_not_allowed"]
    assert set(rules[0]) < set(rules[1])


def test_a_repetition_does_not_renew_the_band_of_the_copy_that_explains(market: Market) -> None:
    banded = Market(band=100_000, band_window_ns=2 * 10**9, reference_price=Ticks(100))
    banded.do(AdoptRulebook(CURRENT_EDITION))
    first = banded.do(ORDER)
    for price in (100, 101):  # each trades, and the price goes on
        banded.enter(BEN, "sell", 2, price)
        banded.enter(CAT, "buy", 2, price)
    for _ in range(5):
        banded.do(ORDER)
    banded.order(first, ANN)
    assert banded.copy_digest == banded.digest
