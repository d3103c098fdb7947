"""What is reckoned from processor time per order for a machine with more cores."""

from __future__ import annotations

import pytest

from benchmarks.capacity import BUSY_SHARE, Costs, capacity


def test_the_writers_core_is_the_limit_where_there_are_cores_enough() -> None:
    found = capacity(Costs(writer=50, door=150, behind=50), 16)
    assert found.orders_per_s == pytest.approx(BUSY_SHARE * 20_000)
    assert found.limit == "the writer"
    assert found.doors == 3  # 150 us an order of each front door: a third of the writer's rate


def test_all_cores_are_the_limit_where_there_are_few() -> None:
    found = capacity(Costs(writer=50, door=150, behind=50), 2)
    assert found.orders_per_s == pytest.approx(BUSY_SHARE * 2 * 4_000)
    assert found.limit == "all cores"
