"""What an explanation leaves out: what others hid, and prices that an account made with itself."""

from __future__ import annotations

from engine.commands import AdoptRulebook, ConfigureAccount, Deposit
from engine.rulebook import CURRENT_EDITION
from engine.types import AccountId, SelfTradePrevention
from tests.explain.market import ANN, BEN, CAT, Market
from tests.explain.said import said


def test_a_market_order_refused_for_what_others_hid_hears_no_figure_of_it() -> None:
    market, poor = Market(), AccountId(9)
    market.do(Deposit(poor, "USD", "300"))
    market.enter(BEN, "sell", 50, 10000, display_quantity=2)
    explanation = market.command(market.enter(poor, "buy", 50))
    said(explanation, "It needed more, for what others hid; 300 USD was available.")
    assert explanation.funds is not None
    assert explanation.funds.needed is None


def test_a_trade_of_an_account_with_itself_moves_no_collar_of_the_explanation() -> None:
    market = Market(collar=100_000)
    for command in (
        AdoptRulebook(CURRENT_EDITION),
        ConfigureAccount(CAT, "own", self_trade_prevention=SelfTradePrevention.NONE),
    ):
        market.do(command)
    market.enter(BEN, "sell", 1, 10000)
    market.enter(ANN, "buy", 1, 10000)
    market.enter(CAT, "sell", 1, 10900)
    market.enter(BEN, "sell", 1, 10901)
    explanation = market.order(market.enter(CAT, "buy", 1, 10900), CAT)
    (chapter,) = explanation.chapters
    assert chapter.book is not None
    assert (chapter.book.reference_price, chapter.book.collar_limit) == ("100.00", "110.00")
    explanation = market.order(market.enter(ANN, "buy", 1, 10950), ANN)
    assert explanation.chapters[0].book is not None
    assert explanation.chapters[0].book.reference_price == "100.00"
