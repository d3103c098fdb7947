"""The ranking by profit: ties, conversion between assets, what has no price, and who is not in it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import eventlet
import msgspec
import pytest

from api.accounts.ranking import RankingService, RankingView
from api.json.errors import ApiError
from engine.commands import Command, ConfigureAccount, Deposit, EnterOrder, ListInstrument
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.types import AccountId, Amount, Lots, OrderType, Seq, Side, Ticks, TimeInForce
from identity.users import Role, User
from projections.profits import mark_of_reset
from projections.projections import Projections
from tests.listings.instruments import instrument

ANN, BOB, CAT, DAN, EVE, BOSS = (AccountId(1000 + number) for number in range(6))
NAMES = {ANN: "ann", BOB: "bob", CAT: "cat", DAN: "dan", EVE: "eve", BOSS: "boss"}


def listed(base: str, quote: str) -> ListInstrument:
    """A symbol with ticks of a hundredth and lots of a thousandth."""
    return ListInstrument(
        msgspec.structs.replace(
            instrument("0.01", "0.001"),
            symbol=f"{base}-{quote}",
            base=base,
            quote=quote,
            base_scale=10,
            lot_amount=Amount(10**7),
        )
    )


class Market:
    """BTC in USD and in EUR, ODD in JPY: of EUR there is a price in USD, of JPY there is none. Nobody pays fees."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.projections = Projections(self.exchange)
        self.asked = 0
        self.service = RankingService(self.exchange, self.projections.profits, self.users_of)
        for base, quote in (("BTC", "USD"), ("BTC", "EUR"), ("EUR", "USD"), ("ODD", "JPY")):
            self.apply(listed(base, quote))
        for account in NAMES:
            self.apply(ConfigureAccount(account, "free", 0, 0))
            for asset in self.exchange.ledger.scales:
                self.apply(Deposit(account, asset, "1000000"))

    def users_of(self, accounts: Iterable[AccountId]) -> list[User]:
        """As of the identities, which take their time."""
        self.asked += 1
        eventlet.sleep(0)
        return [
            User(
                user_id=int(account),
                name=NAMES[account],
                account=account,
                role=Role.OPERATOR if account == BOSS else Role.TRADER,
                guest=False,
                disabled=False,
            )
            for account in accounts
            if account in NAMES
        ]

    def apply(self, command: Command) -> None:
        """Carry out a command."""
        seq, ts_ns = Seq(self.exchange.seq + 1), self.exchange.ts_ns + 1
        self.projections.fold([CommandResult(seq, ts_ns, command, self.exchange.apply(command, seq, ts_ns))])

    def trade(self, symbol: str, buyer: AccountId, seller: AccountId, price: str, quantity: str = "1") -> None:
        """One trade."""
        lots, ticks = Lots(int(Decimal(quantity) * 1000)), Ticks(int(Decimal(price) * 100))
        for account, side in ((seller, Side.SELL), (buyer, Side.BUY)):
            self.apply(EnterOrder(account, symbol, side, OrderType.LIMIT, TimeInForce.GTC, lots, ticks))

    def ranking(self, asset: str | None = None, after: int = 0, limit: int = 100) -> RankingView:
        """As an operator sees it."""
        return self.service.view(asset, after, limit, own=None, named=True, numbered=True)


def places(view: RankingView) -> list[tuple[int, str, float]]:
    """Rank, name and profit of each row."""
    return [(row.rank, row.name or "", float(row.profit)) for row in view.ranking]


@pytest.fixture
def market() -> Market:
    return Market()


def test_equal_profits_share_a_rank_and_those_it_takes_up_are_passed_over(market: Market) -> None:
    for buyer in (CAT, BOB):
        market.trade("BTC-USD", buyer, DAN, "100")
    market.trade("BTC-USD", ANN, DAN, "90")
    market.trade("BTC-USD", ANN, DAN, "100", "0.001")  # the last price
    assert places(market.ranking("USD")) == [(1, "ann", 10), (2, "bob", 0), (2, "cat", 0), (4, "dan", -10)]
    part = market.ranking("USD", after=2, limit=1)
    assert (places(part), part.count) == ([(2, "cat", 0)], 4)


def test_profits_of_other_assets_are_converted_at_last_prices_in_both_directions(market: Market) -> None:
    market.trade("BTC-EUR", ANN, BOB, "100")
    market.trade("BTC-EUR", CAT, BOB, "110", "0.001")
    market.trade("EUR-USD", CAT, BOB, "1.25", "0.001")
    assert ("ann", 12.5) in [place[1:] for place in places(market.ranking("USD"))]  # 10 EUR
    assert ("ann", 10) in [place[1:] for place in places(market.ranking("EUR"))]
    market.trade("BTC-USD", DAN, EVE, "100")
    market.trade("BTC-USD", CAT, BOB, "105", "0.001")
    market.service = RankingService(market.exchange, market.projections.profits, market.users_of)
    assert ("dan", 4) in [place[1:] for place in places(market.ranking("EUR"))]  # 5 USD


def test_a_profit_without_a_price_is_named_beside_and_not_counted(market: Market) -> None:
    market.trade("ODD-JPY", ANN, BOB, "100")
    market.trade("ODD-JPY", CAT, BOB, "103", "0.001")
    row = next(row for row in market.ranking("USD").ranking if row.name == "ann")
    assert (float(row.profit), {asset: float(profit) for asset, profit in row.unpriced.items()}) == (0, {"JPY": 3})
    assert market.ranking().asset == "USD"  # that most symbols are priced in


def test_operators_the_venue_and_who_was_reset_are_not_ranked(market: Market) -> None:
    market.trade("BTC-USD", ANN, BOSS, "100")
    market.apply(Deposit(AccountId(1), "BTC", "5"))
    for buyer in (BOB, CAT):
        market.trade("BTC-USD", buyer, AccountId(1), "100")
    market.apply(mark_of_reset(BOB))
    assert [name for _, name, _ in places(market.ranking("USD"))] == ["ann", "cat"]


def test_others_names_and_accounts_are_shown_only_to_whom_they_are_for(market: Market) -> None:
    market.trade("BTC-USD", ANN, BOB, "100")
    seen = market.service.view("USD", 0, 100, own=ANN, named=False, numbered=False).ranking
    assert [(row.own, row.name, row.account) for row in seen] == [(True, "ann", str(ANN)), (False, None, None)]
    named = market.service.view("USD", 0, 100, own=ANN, named=True, numbered=False).ranking
    assert [(row.name, row.account) for row in named] == [("ann", str(ANN)), ("bob", None)]


def test_who_asks_while_a_ranking_is_made_waits_for_that_one(market: Market) -> None:
    market.trade("BTC-USD", ANN, BOB, "100")
    asking = [eventlet.spawn(market.ranking, "USD") for _ in range(20)]
    assert len({str(each.wait()) for each in asking}) == 1
    assert market.asked == 1


def test_an_asset_that_nothing_is_listed_with_has_no_ranking(market: Market) -> None:
    with pytest.raises(ApiError) as refusal:
        market.ranking("NONE")
    assert refusal.value.status == 404
