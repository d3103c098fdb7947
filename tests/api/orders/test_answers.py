"""The answers to orders and cancels are written at once, and are to the byte what their structs would be."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.json.encoded import moment_text, seconds_text
from api.json.views import seconds
from api.market import live_texts
from api.market.live_texts import bbo_text, trade_text
from api.market.views import BboView, TradeView, bbo_view, trade_view
from api.orders.answers import cancel_answer, order_answer
from api.orders.batch import EncodedBatch, entered_in, order_id_in
from api.orders.views import CancelAnswer, OrderAnswer
from engine.commands import CancelOrder, Command, EnterOrder, OrderOptions
from engine.events import Accepted, Cancelled, CommandResult, Filled
from engine.exchange import Exchange
from engine.types import AccountId, Lots, OrderType, Seq, Side, Ticks, TimeInForce
from journal.codec import open_batch
from listings.grid import grid_of
from tests.api.market.one_symbol import COIN, Market
from tests.api.orders.reference_answers import cancel_reference, order_reference
from tests.explain.random_market import COMMANDS, random_order
from tests.journal.recorded import NAMES, unpacked

encode = msgspec.json.encode


def applied_records(name: str, folder: Path) -> Iterator[tuple[Exchange, list[CommandResult]]]:
    """The records of a recorded journal, each as it was applied, with the state behind it."""
    exchange = Exchange()
    with unpacked(name, folder) as journal:
        for record in journal.read():
            results: list[CommandResult] = []
            for command in open_batch(record):
                seq = Seq(exchange.seq + 1)
                events = exchange.apply(command, seq, record.ts_ns)
                results.append(CommandResult(seq, record.ts_ns, command, events))
            yield exchange, results


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_of_a_recorded_flow_is_that_of_its_struct(name: str, tmp_path: Path) -> None:
    chance, compared = random.Random(name), 0
    for exchange, results in applied_records(name, tmp_path):
        for applied in results:
            first = applied.events[0] if applied.events else None
            elapsed_ms = round(chance.choice([0, 1e-3, chance.random(), 1e3 * chance.random()]), 3)
            if isinstance(first, Accepted):
                answer = bytes(order_answer(applied, exchange, elapsed_ms))
                assert answer == encode(order_reference(applied, exchange, elapsed_ms))
                compared += 1
            elif isinstance(first, Cancelled) and isinstance(applied.command, CancelOrder):
                answer = bytes(cancel_answer(applied, first, exchange, elapsed_ms))
                assert answer == encode(cancel_reference(applied, first, exchange, elapsed_ms))
                compared += 1
    assert compared > 300


class Numbered(Market):
    """A market that gives each command its seq as its time, in microseconds."""

    def do(self, command: Command) -> CommandResult:
        """Carry out a command."""
        return self.apply(command, 1_764_526_077_000_000_000 + 1_000 * self.exchange.seq)


def test_names_with_quotes_and_options_of_every_sort_are_written_as_json_has_them() -> None:
    market = Numbered()
    for name in ('"', "\\", "\\\"'/", "a&b<c>", "~!"):
        options = OrderOptions(take_profit=Ticks(500), stop_loss=Ticks(50))
        command = EnterOrder(
            AccountId(1), "ANY", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Lots(7), Ticks(100), name, options=options
        )
        entered = market.do(command)
        answer = bytes(order_answer(entered, market.exchange, 0.5))
        assert msgspec.json.decode(answer)["client_order_id"] == name
        assert answer == encode(order_reference(entered, market.exchange, 0.5))
        cancelled = market.do(CancelOrder(AccountId(1), None, name))
        event = cancelled.events[0]
        assert isinstance(event, Cancelled)
        answer = bytes(cancel_answer(cancelled, event, market.exchange, 0.0))
        assert answer == encode(cancel_reference(cancelled, event, market.exchange, 0.0))


def test_an_answer_is_read_as_the_struct_that_describes_it() -> None:
    market = Numbered()
    market.do(EnterOrder(AccountId(1), "ANY", Side.SELL, OrderType.LIMIT, TimeInForce.GTC, Lots(7), Ticks(100)))
    applied = market.do(EnterOrder(AccountId(1), "ANY", Side.BUY, OrderType.MARKET, TimeInForce.IOC, Lots(9)))
    answer = order_answer(applied, market.exchange, 0.5)
    read = msgspec.json.decode(answer, type=OrderAnswer)
    assert (read.status, read.filled_quantity, len(read.trades)) == ("cancelled", "0.007", 1)
    assert encode(read) == bytes(answer)
    assert order_id_in(answer) == read.order_id == str(applied.seq)


def test_a_batch_knows_which_orders_it_entered() -> None:
    market = Numbered()
    order = EnterOrder(AccountId(1), "ANY", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Lots(7), Ticks(100))
    applied = market.do(order)
    cancel = CancelOrder(AccountId(1), applied.events[0].order_id)  # type: ignore[attr-defined]
    answer = bytes(order_answer(applied, market.exchange, 0.5))
    results = [
        msgspec.Raw(b'{"status":%d,"body":%b}' % (status, body))
        for status, body in ((200, answer), (400, b'{"error":"no","details":{"order_id":"5"}}'), (200, answer))
    ]
    assert entered_in(EncodedBatch(results), [order, order, cancel]) == [str(applied.seq)]


@given(ts_ns=st.integers(0, 10**6) | st.integers(0, 2**63 - 1))
def test_a_moment_is_written_as_the_fields_of_a_struct(ts_ns: int) -> None:
    assert seconds_text(ts_ns).encode() == encode(seconds(ts_ns))
    fields = {"timestamp": seconds(ts_ns), "ts_ns": ts_ns, "ts_ns_text": str(ts_ns)}
    assert f"{{{moment_text(ts_ns)}}}".encode() == encode(fields)


def test_best_prices_and_trades_are_written_as_their_views_are() -> None:
    market, rng = Numbered(), random.Random(5)
    for _ in range(COMMANDS):
        command = msgspec.structs.replace(random_order(rng), account=AccountId(1), symbol="ANY")
        applied = market.do(command)
        book = market.exchange.books["ANY"]
        expected: BboView | TradeView = bbo_view(book, applied.seq, applied.ts_ns)
        assert bbo_text(book, grid_of(COIN), applied.seq, applied.ts_ns).encode() == encode(expected)
        for event in applied.events:
            if isinstance(event, Filled):
                expected = trade_view(event, COIN, applied.ts_ns, applied.seq)
                assert trade_text(event, grid_of(COIN), applied.ts_ns, applied.seq).encode() == encode(expected)


def test_the_text_of_a_trade_is_made_once_and_never_taken_for_anothers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_texts, "TRADES_KEPT", 3)
    fills: list[tuple[Filled, CommandResult]] = []
    for price in (100, 200):  # two venues, whose trades have the same ids
        market = Numbered()
        for _ in range(5):
            market.enter(Side.BUY, 1, price, 0)
            applied = market.enter(Side.SELL, 1, price, 0)
            fills.append((next(event for event in applied.events if isinstance(event, Filled)), applied))
    for fill, applied in fills + fills[::-1]:
        text = trade_text(fill, grid_of(COIN), applied.ts_ns, applied.seq)
        assert text.encode() == encode(trade_view(fill, COIN, applied.ts_ns, applied.seq))
        assert trade_text(fill, grid_of(COIN), applied.ts_ns, applied.seq) is text
    assert len(live_texts._trades) <= 3


def test_the_answer_to_a_cancel_is_read_as_its_struct() -> None:
    market = Numbered()
    applied = market.enter(Side.BUY, 1, 100, 0)
    cancelled = market.do(CancelOrder(AccountId(1), applied.events[0].order_id))  # type: ignore[attr-defined]
    event = cancelled.events[0]
    assert isinstance(event, Cancelled)
    answer = cancel_answer(cancelled, event, market.exchange, 0.25)
    assert encode(msgspec.json.decode(answer, type=CancelAnswer)) == bytes(answer)
