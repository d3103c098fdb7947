"""Recorded journals replay to what they did when they were recorded: every event and state, to the byte."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from engine import events as ev
from engine.commands import Command, OrderOptions
from engine.types import OrderType, PostOnly, SelfTradePrevention, Side, TimeInForce, TradingStatus
from tests.journal.recorded import (
    EVENT_TAGS,
    FOLDER,
    MEASURES,
    NAMES,
    STRETCH,
    Measures,
    known,
    measure,
    unpacked,
)

EXPECTED = msgspec.json.decode(MEASURES.read_bytes(), type=dict[str, Measures])
WITH_EXAMPLE = known()
COUNTS = sum((Counter(measures.counts) for measures in EXPECTED.values()), Counter[str]())
MOST_BYTES = 1_500_000

AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)
RESTING = tuple(tif for tif in TimeInForce if tif not in AT_ONCE)
LASTING = tuple(  # a pair's legs end alone
    kind for kind in WITH_EXAMPLE.order_types if kind not in (OrderType.MARKET, OrderType.OCO)
)


def test_there_are_at_least_ten_journals_and_each_is_measured() -> None:
    assert len(NAMES) >= 10
    assert sorted(EXPECTED) == NAMES
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < MOST_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_journal_replays_to_the_same_events_and_state(name: str, tmp_path: Path) -> None:
    with unpacked(name, tmp_path) as journal:
        found = measure(journal)
        noted = len(journal.checkpoints())
    expected = EXPECTED[name]
    pairs = zip(found.events_on_the_way, expected.events_on_the_way, strict=True)
    parted = [number * STRETCH for number, (one, other) in enumerate(pairs, 1) if one != other]
    assert not parted, f"the events differ up to seq {parted[0]}"
    assert found == expected
    assert noted >= 2  # states on the way, which the replay compared


def missing(*needed: str) -> list[str]:
    """The kinds of which no recorded journal has an example."""
    return [kind for kind in needed if not COUNTS[kind]]


def test_they_have_every_command_and_event() -> None:
    assert missing(*(f"command {kind.__struct_config__.tag}" for kind in get_args(Command))) == []
    kinds = [kind for kind in vars(ev).values() if isinstance(kind, type) and issubclass(kind, ev.Event)]
    assert set(kinds) - {ev.Event, ev.Ended} == set(EVENT_TAGS)
    assert missing(*(f"event {tag}" for tag in EVENT_TAGS.values())) == []


def test_they_have_every_reason_to_reject_and_to_cancel() -> None:
    assert missing(*(f"rejected {reason}" for reason in WITH_EXAMPLE.reject_reasons)) == []
    assert missing(*(f"cancelled {reason}" for reason in WITH_EXAMPLE.cancel_reasons)) == []


def test_they_have_every_order_type_with_every_time_in_force_that_it_takes() -> None:
    allowed = {OrderType.MARKET: AT_ONCE, OrderType.LIMIT: tuple(TimeInForce)}
    pairs = [f"{kind} {tif}" for kind in WITH_EXAMPLE.order_types for tif in allowed.get(kind, RESTING)]
    assert missing(*(f"asked {pair}" for pair in pairs)) == []
    assert missing(*(f"accepted {pair}" for pair in pairs if not pair.startswith(OrderType.OCO))) == []


def test_they_have_every_end_of_every_order_type() -> None:
    lasting = [f"ended {kind} {end} cancelled" for kind in LASTING for end in ("unfilled", "partly filled")]
    lasting += [f"ended {kind} {end}" for kind in LASTING for end in ("filled", "unfilled expired")]
    market = [f"ended market {end}" for end in ("filled", "partly filled cancelled", "unfilled cancelled")]
    # any other stop is a market order once it is triggered, which takes all that it can at once
    partly_expired = ["ended limit partly filled expired", "ended stop_limit partly filled expired"]
    assert missing(*lasting, *market, *partly_expired) == []


def test_they_have_every_option_and_every_mode_of_prevention() -> None:
    assert missing(*(f"asked {name}" for name in (*OrderOptions.__struct_fields__, "quote_quantity"))) == []
    of_orders = ("display_quantity", "trail_amount", "trail_percent", "expire_ns", "take_profit", "stop_loss")
    assert missing(*(f"accepted {name}" for name in (*of_orders, "stop_loss_limit", "linked_to", "parent"))) == []
    assert missing(*(f"accepted post_only {kind}" for kind in PostOnly)) == []
    assert missing(*(f"asked prevention {mode}" for mode in (None, *SelfTradePrevention))) == []
    assert missing(*(f"accepted prevention {mode}" for mode in SelfTradePrevention)) == []


def test_they_have_every_status_of_a_symbol_and_what_follows_from_it() -> None:
    assert missing(*(f"{how} {status}" for how in ("status", "status set") for status in TradingStatus)) == []
    assert missing(*(f"limit state {side}" for side in (None, *Side)), "time set something off") == []
    assert missing("filled in an auction", "filled in trading", "filled with itself") == []


def test_they_have_every_way_to_cancel_and_to_amend() -> None:
    assert missing("cancelled by order id", "cancelled by client order id") == []
    assert missing("cancelled all of the account", "cancelled all of a symbol") == []
    assert missing("amended in place", "amended to the back") == []
