"""The uncross on books worked out by hand: its price, who trades with whom, and what is left."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from engine import events as ev
from engine.auction import clearing
from engine.types import Side
from tests.scenarios.script import HERE, SYMBOL, Stage

PARTS = ("orders", "prices", "finds", "prints", "left")


@dataclass
class Worked:
    """One book of the table, as written."""

    name: str
    given: list[str] = field(default_factory=list)  # commands before the auction
    parts: dict[str, list[str]] = field(default_factory=lambda: {part: [] for part in PARTS})

    def figures(self) -> dict[int, tuple[int, int, int, int]]:
        """For each tick: bid there or above, offered there or below, what would trade, bid less offered."""
        table = {}
        for line in self.parts["prices"]:
            ticks, *row = line.split()
            first, _, last = ticks.partition("..")
            for tick in range(int(first), int(last or first) + 1):
                table[tick] = tuple(map(int, row))
        return table


def read_books() -> list[Worked]:
    """Every book of the table. Raises ValueError for a line that belongs nowhere."""
    books: list[Worked] = []
    part: list[str] | None = None
    for line in (HERE / "uncross.table").read_text().splitlines():
        if line.startswith("book: "):
            books.append(Worked(line.removeprefix("book: ")))
            part = None
        elif line.startswith("reference "):
            books[-1].given.append(f"list reference_price={line.removeprefix('reference ')}")
        elif line.startswith("last "):
            price = line.removeprefix("last ")
            books[-1].given += [f"x: sell 1 at {price}", f"y: buy 1 at {price}"]
        elif line in PARTS:
            part = books[-1].parts[line]
        elif line.strip() and not line.startswith("#"):
            if part is None:
                raise ValueError(f"{line!r} belongs to no part of a book")
            part.append(line.strip())
    return books


BOOKS = read_books()


def gathered(worked: Worked) -> Stage:
    """The book before its uncross."""
    stage = Stage()
    for line in [*worked.given, "set auction", *worked.parts["orders"]]:
        assert not any(line_of_event.startswith("rejected") for line_of_event in stage.play(line)), line
    return stage


def uncrossed(stage: Stage) -> list[ev.Event]:
    """Begin trading; the events of it."""
    command = stage.set_status({"symbol": None, "status": "trading", "until": None})
    return stage.apply(command)


def test_there_are_at_least_thirty_books_and_no_two_have_one_name() -> None:
    assert len({worked.name for worked in BOOKS}) == len(BOOKS) >= 30


@pytest.mark.parametrize("worked", BOOKS, ids=lambda worked: worked.name)
def test_the_worked_figures_are_those_of_the_orders(worked: Worked) -> None:
    orders = list(gathered(worked).exchange.books[SYMBOL].orders.values())
    bids = [(order.price, order.leaves) for order in orders if order.side is Side.BUY]
    offers = [(order.price, order.leaves) for order in orders if order.side is Side.SELL]
    figures = {}
    if bids and offers:
        for tick in range(min(offers)[0], max(bids)[0] + 1):
            bid = sum(quantity for price, quantity in bids if price >= tick)
            offered = sum(quantity for price, quantity in offers if price <= tick)
            figures[tick] = bid, offered, min(bid, offered), bid - offered
    assert worked.figures() == figures


@pytest.mark.parametrize("worked", BOOKS, ids=lambda worked: worked.name)
def test_the_price_found_is_the_one_worked_out_and_was_announced(worked: Worked) -> None:
    stage = gathered(worked)
    indicative = clearing(stage.exchange.books[SYMBOL])
    found = [event for event in uncrossed(stage) if isinstance(event, ev.Uncrossed)]
    assert [f"{e.quantity} at {e.price}, imbalance {e.imbalance}" for e in found] == worked.parts["finds"]
    announced = [] if indicative is None else [(indicative.price, indicative.quantity, indicative.imbalance)]
    assert announced == [(event.price, event.quantity, event.imbalance) for event in found]


@pytest.mark.parametrize("worked", BOOKS, ids=lambda worked: worked.name)
def test_the_prints_are_at_one_price_and_in_priority_and_the_rest_is_left(worked: Worked) -> None:
    stage = gathered(worked)
    events = uncrossed(stage)
    price = {event.price for event in events if isinstance(event, ev.Uncrossed)}
    fills = [event for event in events if isinstance(event, ev.Filled)]
    assert {fill.price for fill in fills} == price
    assert all(fill.auction for fill in fills)
    label = stage.formatter.labels
    pairs = [sorted([(label[f.maker_order_id]), (label[f.taker_order_id])], reverse=True) for f in fills]
    assert [f"{bid} {offer} {f.quantity}" for (bid, offer), f in zip(pairs, fills, strict=True)] == (
        worked.parts["prints"]
    )
    assert stage.book() == worked.parts["left"]
    stage.exchange.check_invariants()


@pytest.mark.parametrize("worked", BOOKS, ids=lambda worked: worked.name)
def test_every_lot_that_gathered_is_traded_once_or_left(worked: Worked) -> None:
    stage = gathered(worked)
    exchange = stage.exchange
    before = {order_id: order.leaves for order_id, order in exchange.books[SYMBOL].orders.items()}
    sides = {order_id: order.side for order_id, order in exchange.books[SYMBOL].orders.items()}
    events = uncrossed(stage)
    traded = dict.fromkeys(before, 0)
    for fill in (event for event in events if isinstance(event, ev.Filled)):
        traded[fill.maker_order_id] += fill.quantity
        traded[fill.taker_order_id] += fill.quantity
        assert fill.maker_order_id % 10**15 < fill.taker_order_id % 10**15  # the older is the maker
        assert sides[fill.maker_order_id] is not sides[fill.taker_order_id]
    left = {order_id: order.leaves for order_id, order in exchange.books[SYMBOL].orders.items()}
    assert {order_id: traded[order_id] + left.get(order_id, 0) for order_id in before} == before
    bought, sold = (sum(lots for order_id, lots in traded.items() if sides[order_id] is side) for side in Side)
    volume = sum(event.quantity for event in events if isinstance(event, ev.Uncrossed))
    assert bought == sold == volume
