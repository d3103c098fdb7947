"""Decimals of the wire and whole units of the engine: exact both ways, for any tick and lot."""

from __future__ import annotations

import ast
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.instrument import Instrument
from listings import grid as grid_module
from listings.grid import Grid, grid_of
from listings.tables import MAX_UNITS
from tests.listings.instruments import instrument

QUOTE_SCALE = 18


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """The grid of an instrument with any tick and lot that fit together."""
    tick_decimals, lot_decimals = draw(st.integers(0, 9)), draw(st.integers(0, 9))
    tick = Decimal(draw(st.sampled_from([1, 2, 5, 25]))).scaleb(-tick_decimals)
    lot = Decimal(draw(st.sampled_from([1, 5, 10, 100]))).scaleb(-lot_decimals)
    return Grid(
        Instrument(
            symbol="ANY",
            base="B",
            quote="Q",
            tick_size=f"{tick:f}",
            lot_size=f"{lot:f}",
            quote_scale=QUOTE_SCALE,
            lot_tick_amount=int((tick * lot).scaleb(QUOTE_SCALE)),
            max_quantity=10**12,
            max_notional=10**18,
            max_open_orders=1000,
        )
    )


units = st.integers(0, MAX_UNITS - 1)
signed = st.integers(-MAX_UNITS + 1, MAX_UNITS - 1)
small = st.integers(1, 10**9)


@given(grid=grids(), ticks=units, lots=units)
def test_what_is_written_is_read_as_the_same_units(grid: Grid, ticks: int, lots: int) -> None:
    assert grid.ticks(Decimal(grid.price(ticks))) == ticks
    assert grid.lots(Decimal(grid.quantity(lots))) == lots


@given(grid=grids(), ticks=signed, lots=signed, amount=st.integers(-(10**40), 10**40))
def test_what_is_written_is_exactly_that_many_units(grid: Grid, ticks: int, lots: int, amount: int) -> None:
    instrument = grid.instrument
    assert Fraction(grid.price(ticks)) == ticks * Fraction(instrument.tick_size)
    assert Fraction(grid.quantity(lots)) == lots * Fraction(instrument.lot_size)
    assert Fraction(grid.amount(amount)) == Fraction(amount, 10**QUOTE_SCALE)


@given(grid=grids(), ticks=signed)
def test_prices_have_the_decimals_of_the_tick(grid: Grid, ticks: int) -> None:
    decimals = len(grid.instrument.tick_size.partition(".")[2])
    assert len(grid.price(ticks).partition(".")[2]) == decimals


@given(grid=grids(), amount=st.integers(-(10**30), 10**30))
def test_amounts_are_as_short_as_they_can_be(grid: Grid, amount: int) -> None:
    written = grid.amount(amount)
    assert written == f"{Decimal(written):f}"
    assert not written.endswith(".")
    assert "." not in written or not written.endswith("0")


@given(grid=grids(), value=st.decimals(min_value=0, max_value=10**9, allow_nan=False, places=12))
def test_a_value_between_two_units_stays_as_it_was_written(grid: Grid, value: Decimal) -> None:
    for read, step in ((grid.ticks, grid.instrument.tick_size), (grid.lots, grid.instrument.lot_size)):
        counted = Fraction(value) / Fraction(step)
        found = read(value)
        if counted.denominator == 1:
            assert found == (counted if counted < MAX_UNITS else None)
        elif counted < MAX_UNITS - 1:
            assert isinstance(found, str)
            assert Fraction(found) == Fraction(value)


@given(grid=grids(), fills=st.lists(st.tuples(small, small), min_size=1, max_size=5))
def test_an_average_price_is_the_exact_one_rounded_half_up(grid: Grid, fills: list[tuple[int, int]]) -> None:
    instrument = grid.instrument
    notional = sum(price * lots * instrument.lot_tick_amount for price, lots in fills)
    lots = sum(lots for _, lots in fills)
    exact = Fraction(sum(p * q for p, q in fills), lots) * Fraction(instrument.tick_size)
    step = Fraction(1, 10 ** (len(instrument.tick_size.partition(".")[2]) + 6))
    average = grid.average_price(notional, lots)
    assert average is not None
    assert Fraction(average) == (exact / step + Fraction(1, 2)).__floor__() * step


def test_an_average_price_of_nothing_is_none() -> None:
    assert grid_of(instrument("0.01", "1")).average_price(0, 0) is None


@given(grid=grids(), bid=units, ask=units)
def test_the_middle_is_exact(grid: Grid, bid: int, ask: int) -> None:
    assert Fraction(grid.middle(bid, ask)) == Fraction(bid + ask, 2) * Fraction(grid.instrument.tick_size)


@given(grid=grids(), amount=st.integers(0, MAX_UNITS - 1))
def test_a_quote_amount_is_read_in_minor_units(grid: Grid, amount: int) -> None:
    assert grid.minor_units(Decimal(amount).scaleb(-QUOTE_SCALE)) == amount
    finer = Decimal(10 * amount + 1).scaleb(-QUOTE_SCALE - 1)
    assert isinstance(grid.minor_units(finer), str)


@given(digits=st.integers(1, 9), exponent=st.integers(-(10**6), 10**6))
def test_any_exponent_is_read_at_once(digits: int, exponent: int) -> None:
    assume(abs(exponent) > 70)
    grid = grid_of(instrument("0.01", "0.001"))
    assert grid.ticks(Decimal((0, (digits,), exponent))) is None
    assert grid.lots(Decimal((0, (digits,), exponent))) is None


@pytest.mark.parametrize(
    ("tick", "ticks", "written"),
    [
        ("0.01", 3_000_000, "30000.00"),
        ("0.25", 401, "100.25"),
        ("5", 3, "15"),
        ("0.05", -1, "-0.05"),
        ("0.5", 0, "0.0"),
    ],
)
def test_prices_as_people_write_them(tick: str, ticks: int, written: str) -> None:
    assert grid_of(instrument(tick, "1")).price(ticks) == written


@pytest.mark.parametrize(
    ("lot", "lots", "written"), [("0.00000001", 1, "0.00000001"), ("1", 7, "7"), ("100", 2, "200"), ("0.1", 0, "0.0")]
)
def test_quantities_as_people_write_them(lot: str, lots: int, written: str) -> None:
    assert grid_of(instrument("0.01", lot)).quantity(lots) == written


def test_no_float_is_made_on_either_way() -> None:
    tree = ast.parse(Path(grid_module.__file__).read_text(encoding="utf-8"))
    assert [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, float)] == []
    assert [node for node in ast.walk(tree) if isinstance(node, ast.Div)] == []
    assert [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in ("float", "round")] == []
