"""The engine as a library gives the right answer to a public benchmark's workload, and so does the exchange."""

from __future__ import annotations

import pytest

from benchmarks.flash import ANSWERS, FOLDER, by_commands, by_library, digest, messages
from engine.exchange import Exchange
from engine.rulebook import CURRENT_EDITION
from openbell.matching import MatchingEngine

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no recorded workload in {FOLDER}")


@pytest.mark.parametrize("name", ANSWERS)
def test_the_library_reports_what_the_workload_must_come_to(name: str) -> None:
    engine = MatchingEngine()
    lines = by_library(messages(name), engine)
    trades, open_orders, sha256 = ANSWERS[name]
    assert sum(line.startswith("1,") for line in lines) == trades
    assert len(engine.exchange.orders) == open_orders
    assert digest(lines) == sha256
    engine.exchange.check_invariants()


@pytest.mark.parametrize("name", ANSWERS)
def test_the_exchange_with_its_ledger_reports_the_same(name: str) -> None:
    exchange = Exchange(CURRENT_EDITION)
    assert digest(by_commands(messages(name), exchange.apply)) == ANSWERS[name][2]
    exchange.check_invariants()
