"""How figures become sentences: medians, spreads, ratios of a round, and what counts as a drift."""

from __future__ import annotations

import pytest

from benchmarks.ratios import Row, cell, number, ratios, table
from benchmarks.soak import drifts


def test_the_ratio_of_a_row_is_the_median_of_its_rounds_ratios() -> None:
    row = Row("rate", [100.0, 1_000.0, 10.0], [200.0, 1_000.0, 40.0], "2", "3")
    assert table([row]).splitlines()[2] == "| rate | 100 (10 to 1,000) | 200 (40 to 1,000) | 2 | 2 | 3 |"


def test_what_was_not_measured_before_has_no_ratio() -> None:
    assert table([Row("rate", [], [2.5])]).splitlines()[2] == "| rate |  | 2.5 |  |  |  |"


def test_ratios_want_as_many_rounds_of_both() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratios([1.0], [1.0, 2.0])


@pytest.mark.parametrize(
    ("value", "text"), [(0.4567, "0.46"), (1.234, "1.23"), (45.67, "45.7"), (1234.5, "1,234"), (float("nan"), "")]
)
def test_a_number_has_three_digits_or_all_before_the_point(value: float, text: str) -> None:
    assert number(value) == text


def test_no_figure_is_an_empty_cell() -> None:
    assert cell([]) == ""


def test_growth_of_more_than_both_bounds_is_a_drift() -> None:
    assert drifts([50.0, 100.0, 101.0, 102.0, 105.0, 118.0, 120.0], 10, 8)


@pytest.mark.parametrize(
    "values",
    [
        [50.0, 100.0, 101.0, 102.0, 105.0, 105.0, 104.0],  # less than 10 %
        [50.0, 10.0, 10.0, 11.0, 12.0, 14.0, 15.0],  # less than 8
        [10.0, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0],  # the warm-up alone was below
        [50.0, 100.0, 500.0, 100.0, 100.0, 101.0, 500.0],  # a spike in each third
        [100.0, 200.0],  # too few to say
    ],
)
def test_what_stays_within_a_bound_or_is_the_warm_up_is_no_drift(values: list[float]) -> None:
    assert not drifts(values, 10, 8)
