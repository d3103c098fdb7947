"""Texts and numbers from tables are those that `Decimal` makes, for any step, and no table grows without end."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listings import tables
from listings.grid import whole_units
from listings.numbers import decimal_of
from listings.tables import MAX_UNITS, FixedTexts, PlainNumbers, ShortestTexts, fixed, shortest

decimals = st.integers(0, 18)
units_of_step = st.sampled_from([1, 2, 5, 10, 25, 100, 125]) | st.integers(1, 10**6)
amounts = st.integers(-(10**6), 10**6) | st.integers(-(10**40), 10**40)
written = (
    st.from_regex(r"[0-9]{1,12}(\.[0-9]{1,20})?", fullmatch=True)
    | st.from_regex(r"\s*[+-]?[\d_]*\.?[\d_]*([eE][+-]?[\d_]*)?\s*", fullmatch=True)
    | st.decimals(allow_nan=True, allow_infinity=True).map(str)
    | st.integers(-(10**45), 10**45).map(str)
    | st.text(max_size=50)
)


@given(units=amounts, decimals=decimals, least=decimals)
def test_texts_are_those_of_decimals(units: int, decimals: int, least: int) -> None:
    whole, sign = str(abs(units) // 10**decimals), "-" if units < 0 else ""
    digits = f"{abs(units):0{decimals + 1}}"
    assert fixed(units, decimals) == sign + (f"{whole}.{digits[-decimals:]}" if decimals else whole)
    kept = digits[len(digits) - decimals :].rstrip("0").ljust(min(least, decimals), "0")
    assert shortest(units, decimals, min(least, decimals)) == sign + (f"{whole}.{kept}" if kept else whole)


@given(units=units_of_step, decimals=decimals, steps=st.lists(amounts, max_size=20))
def test_a_table_gives_the_text_that_is_made_of_the_number_first_and_later(
    units: int, decimals: int, steps: list[int]
) -> None:
    table = FixedTexts(units, decimals)
    for number in steps + steps:
        assert table[number] == fixed(number * units, decimals)
        assert Fraction(table[number]) == Fraction(number * units, 10**decimals)
        assert len(table[number].partition(".")[2]) == decimals


@given(decimals=decimals, units=st.lists(amounts, max_size=20))
def test_a_table_of_amounts_gives_the_shortest_text_first_and_later(decimals: int, units: list[int]) -> None:
    table = ShortestTexts(decimals)
    for number in units + units:
        assert table[number] == shortest(number, decimals)


@given(units=units_of_step, decimals=decimals, texts=st.lists(written, max_size=20))
def test_a_plain_number_is_read_as_its_decimal_and_anything_else_is_not_read(
    units: int, decimals: int, texts: list[str]
) -> None:
    table, step = PlainNumbers(units, decimals), Decimal(units).scaleb(-decimals)
    for text in texts + texts:
        value, found = decimal_of(text), table[text]
        expected = None if value is None else whole_units(value, step)
        if found is not None:
            assert found == expected
            assert found > 0
        elif isinstance(expected, int) and expected > 0:
            assert "e" in text.lower() or len(text) > tables.MAX_PLAIN


@given(units=units_of_step, decimals=decimals, steps=st.integers(1, MAX_UNITS - 1))
def test_what_a_grid_writes_is_plain(units: int, decimals: int, steps: int) -> None:
    text = FixedTexts(units, decimals)[steps]
    assert PlainNumbers(units, decimals)[text] == (steps if len(text) <= tables.MAX_PLAIN else None)
    assert PlainNumbers(units, decimals)[text + "0" * 99] is None


@pytest.mark.parametrize(
    "text", ["", ".", "1.", ".5", "+1", "-1", "0", "0.00", "1e2", "1_0", "\uff11", "\u0663", "\u00b2", "1\n", " 1"]
)
def test_what_is_not_plain_or_not_above_zero_is_not_read(text: str) -> None:
    assert PlainNumbers(1, 2)[text] is None


def test_a_table_is_emptied_when_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_KEPT", 10)
    texts, numbers = FixedTexts(1, 2), PlainNumbers(1, 2)
    for number in range(1, 100):
        assert numbers[texts[number]] == number
        assert numbers[f"{number}.001"] is None
        assert len(texts) <= 10
        assert len(numbers) <= 10
    assert numbers["1" * 50] is None
    assert "1" * 50 not in numbers


def test_instruments_of_the_same_steps_share_their_tables() -> None:
    assert tables.fixed_texts(1, 2) is tables.fixed_texts(1, 2)
    assert tables.fixed_texts(1, 2) is not tables.fixed_texts(1, 3)
    assert tables.plain_numbers(25, 2) is tables.plain_numbers(25, 2)
