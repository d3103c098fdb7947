"""Resets step by step: exact amounts, operators and full queues in between, and a server that ends in the middle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import eventlet
import pytest

from api.accounts import reset
from api.accounts.reset import AccountReset
from api.json.errors import ApiError
from api.orders.mass_cancels import ORDERS_A_PART, PARTS_AT_ONCE, MassCancels
from engine.commands import Command, Deposit, EnterOrder, ListInstrument, StopAccount
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.types import SANDBOX_ACCOUNT, AccountId, Lots, OrderType, Seq, Side, Ticks, TimeInForce
from listings.instruments_file import DEFAULT_INSTRUMENTS, read_venue_file
from offline.venue import OfflineVenue
from projections.profits import begin_of_reset
from projections.projections import Projections
from sequencer.port import NotAccepting
from tests.journal.commands import BTC_USDT
from tests.server import RunningServer

TRADER, OTHER = AccountId(1007), AccountId(1008)
MANY = 3 * ORDERS_A_PART * PARTS_AT_ONCE


class Venue:
    """An exchange whose commands are carried out at once, as they are asked for."""

    refusal: str | None = None

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.projections = Projections(self.exchange)
        self.before: list[Callable[[], object]] = []  # what happens before the next commands, each once
        self.records: list[Sequence[Command]] = []
        cancels = MassCancels(self.exchange, self)  # type: ignore[arg-type]
        self.resets = AccountReset(self.exchange, self, self.projections.profits, cancels)  # type: ignore[arg-type]
        self.submit_all([ListInstrument(BTC_USDT)])
        for account in (TRADER, OTHER):
            self.submit_all([Deposit(account, "USDT", "100000.12345678"), Deposit(account, "BTC", "3.00000001")])

    def submit_all(self, commands: Sequence[Command]) -> list[CommandResult]:
        """As of a sequencer."""
        if self.before:
            self.before.pop(0)()
        self.records.append(commands)
        results = []
        for command in commands:
            seq, ts_ns = Seq(self.exchange.seq + 1), self.exchange.ts_ns + 1
            results.append(CommandResult(seq, ts_ns, command, self.exchange.apply(command, seq, ts_ns)))
        self.projections.fold(results)
        return results

    def enters(self, account: AccountId, side: Side, ticks: int) -> None:
        """A limit order of a hundredth."""
        lots = Lots(BTC_USDT.min_quantity * 100)
        limit, gtc = OrderType.LIMIT, TimeInForce.GTC
        self.submit_all([EnterOrder(account, BTC_USDT.symbol, side, limit, gtc, lots, Ticks(ticks))])

    def owned(self, account: AccountId) -> dict[str, tuple[int, int]]:
        """What it has of each asset: in all, and held."""
        balances = self.exchange.ledger.accounts[account].items()
        return {asset: (balance.total, balance.held) for asset, balance in balances if balance.total}

    def scaled(self, **amounts: str) -> dict[str, tuple[int, int]]:
        """Amounts as `owned` has them, nothing held."""
        scales = self.exchange.ledger.scales
        return {asset: (int(Decimal(amount).scaleb(scales[asset])), 0) for asset, amount in amounts.items()}


@pytest.fixture
def venue() -> Venue:
    """The trader has traded, and has an order open."""
    venue = Venue()
    venue.enters(OTHER, Side.SELL, 2_900_000)
    venue.enters(TRADER, Side.BUY, 2_900_000)
    venue.enters(TRADER, Side.BUY, 2_800_000)
    assert venue.projections.profits.positions(TRADER)
    return venue


def refuse() -> None:
    """The queue is full."""
    raise NotAccepting("too many wait")


@pytest.mark.parametrize("amounts", [{"USDT": "0.00000001"}, {"BTC": "12345.67890123", "USDT": "1000"}, {}])
def test_after_a_reset_the_account_has_these_amounts_to_the_last_unit(venue: Venue, amounts: dict[str, str]) -> None:
    others = venue.owned(OTHER)
    view = venue.resets.reset(TRADER, {asset: Decimal(text) for asset, text in amounts.items()}, by_operator=False)
    assert venue.owned(TRADER) == venue.scaled(**amounts)
    assert venue.owned(OTHER) == others
    assert (view.cancelled, venue.exchange.accounts[TRADER].stopped) == (1, False)
    assert venue.projections.profits.positions(TRADER) == {}
    assert len(venue.records[-1]) == 3 + len(amounts)  # nothing comes in between: one record


def test_many_open_orders_are_cancelled_before(venue: Venue) -> None:
    for number in range(MANY):
        venue.enters(TRADER, Side.BUY, 1_000 + number % 7)
    assert venue.resets.reset(TRADER, {"USDT": Decimal(5)}, by_operator=False).cancelled == MANY + 1
    assert venue.owned(TRADER) == venue.scaled(USDT="5")


def test_nothing_of_the_account_trades_between_the_steps(venue: Venue) -> None:
    venue.enters(OTHER, Side.SELL, 2_950_000)
    trades = venue.exchange.books[BTC_USDT.symbol].last_price
    venue.before = [lambda: None, lambda: venue.enters(TRADER, Side.BUY, 2_950_000)]
    venue.resets.reset(TRADER, {"USDT": Decimal(5)}, by_operator=False)
    assert venue.exchange.books[BTC_USDT.symbol].last_price == trades
    assert venue.owned(TRADER) == venue.scaled(USDT="5")


def test_a_second_step_that_the_queue_has_no_place_for_is_tried_again(venue: Venue) -> None:
    venue.before = [lambda: None, lambda: None, refuse, refuse]
    venue.resets.reset(TRADER, {"USDT": Decimal(5)}, by_operator=False)
    assert venue.owned(TRADER) == venue.scaled(USDT="5")


def test_a_reset_that_was_not_carried_out_goes_on_with_the_next(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reset, "WAIT_S", 0.1)
    venue.before = [lambda: None, lambda: None, refuse, refuse, refuse]
    with pytest.raises(NotAccepting):
        venue.resets.reset(TRADER, {"USDT": Decimal(5)}, by_operator=False)
    assert venue.exchange.accounts[TRADER].stopped
    venue.resets.reset(TRADER, {"USDT": Decimal(6)}, by_operator=False)
    assert venue.owned(TRADER) == venue.scaled(USDT="6")
    assert not venue.exchange.accounts[TRADER].stopped


def test_an_operator_who_stops_the_account_meanwhile_has_the_last_word(venue: Venue) -> None:
    def stop() -> None:
        venue.resets.wait(TRADER)
        venue.submit_all([StopAccount(TRADER, stopped=True)])

    stopping: list[eventlet.greenthread.GreenThread] = []

    def meanwhile() -> None:
        stopping.append(eventlet.spawn(stop))
        eventlet.sleep(0)

    venue.before = [lambda: None, meanwhile]
    venue.resets.reset(TRADER, {"USDT": Decimal(5)}, by_operator=False)
    stopping[0].wait()
    assert venue.exchange.accounts[TRADER].stopped
    assert venue.owned(TRADER) == venue.scaled(USDT="5")
    with pytest.raises(ApiError, match="stopped"):  # it is no reset's stop
        venue.resets.reset(TRADER, {}, by_operator=False)
    venue.resets.reset(TRADER, {}, by_operator=True)
    assert (venue.owned(TRADER), venue.exchange.accounts[TRADER].stopped) == ({}, True)


def test_an_account_whose_reset_a_server_did_not_finish_trades_again_with_the_next_start(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with OfflineVenue(data, read_venue_file(DEFAULT_INSTRUMENTS).instruments, 10**18) as ended:
        ended.fund(SANDBOX_ACCOUNT)
        ended.apply(StopAccount(OTHER, stopped=True))
        ended.apply(begin_of_reset(SANDBOX_ACCOUNT))
        ended.finish()
    with RunningServer(data) as server:
        before = server.http.get("/account/balances")["balances"]
        assert all(float(row["total"]) >= 1e12 for row in before)
        assert server.http.enter("BTC-USDT", "buy", "0.01", "100.00")["status"] == "resting"
        assert "1 account" in server.log  # the other, an operator's, stays stopped
