"""LOBSTER recordings of few levels through the engine: the window's edge is no order's end.

Nothing is corrected but what the rows show of levels that leave and enter the window.
"""

from pathlib import Path

import pytest

from tests.data.files import AAPL, AMZN, MSFT, needs_lobster, needs_lobster_small
from tests.data.venue import EngineVenue
from tools.archives import RecordError
from tools.lobster import LobsterPlayback
from tools.naming import book_beside
from tools.playback import CancelStep, EnterStep, ReduceStep, common_in_order
from tools.recorded import (
    LobsterDepth,
    LobsterMessage,
    MessageType,
    lobster_levels,
    read_lobster_depths,
    read_lobster_messages,
)

NEW, CANCEL, DELETE, EXECUTION = (
    MessageType.NEW_ORDER,
    MessageType.PARTIAL_CANCEL,
    MessageType.DELETE,
    MessageType.EXECUTION,
)


def message(kind: MessageType, order_id: int, shares: int, price: int, side: str = "buy") -> LobsterMessage:
    return LobsterMessage(1, kind, order_id, shares, price, side)


def bids(*levels: tuple[int, int]) -> LobsterDepth:
    return LobsterDepth([], list(levels))


def played(path: Path) -> tuple[LobsterPlayback, int]:
    """A recording through the engine, and how many rows were equal at as many levels as the file has."""
    book = book_beside(path)
    assert book is not None
    rows = list(read_lobster_depths(book))
    levels = lobster_levels(book)
    playback = LobsterPlayback(list(read_lobster_messages(path)), rows, levels)
    venue = EngineVenue(playback)
    equal = 0
    for row, event in zip(rows, playback.events(), strict=True):
        for step in event.steps:
            venue.do(step)
        equal += venue.depth(levels) == row
    assert venue.refused == []
    venue.exchange.check_invariants()
    return playback, equal


@needs_lobster_small
def test_all_98_executions_of_aapl_take_the_recorded_order_and_all_999_rows_are_equal_at_10_levels() -> None:
    playback, equal = played(AAPL)
    assert equal == 999
    assert common_in_order(playback.recorded, playback.made) == len(playback.recorded) == len(playback.made) == 98
    remarks = " ".join(playback.remarks())
    assert "executions: 98 of 98 took the recorded order" in remarks
    assert "did not take the first" not in remarks
    assert "cross" not in remarks
    assert "contradicted" not in remarks


@needs_lobster_small
def test_amzn_at_one_level_is_as_recorded_at_all_3000_rows_but_for_one_pair_that_the_recording_itself_swaps() -> None:
    playback, equal = played(AMZN)
    assert equal == 3000
    remarks = " ".join(playback.remarks())
    # order 31486027 of 4 shares stands before 31486478 of 10, and the recording executes them the other way round
    assert "executions: 413 of 415 took the recorded order" in remarks
    assert "1 did not take the first of the queue: 0 took an order with an older number" in remarks
    assert "contradicted" not in remarks


@needs_lobster
def test_msft_is_equal_at_all_1950_rows_though_46_of_its_executions_take_orders_that_were_let_in_late() -> None:
    playback, equal = played(MSFT)
    assert equal == 1950
    remarks = " ".join(playback.remarks())
    assert "50 did not take the first of the queue: 46 took an order with an older number" in remarks
    assert "let in later, 4 another" in remarks


@needs_lobster_small
@pytest.mark.parametrize(("path", "met"), [(AAPL, "98 of 98"), (AMZN, "413 of 415")])
def test_messages_alone_play_too(path: Path, met: str) -> None:
    playback = LobsterPlayback(list(read_lobster_messages(path)))
    venue = EngineVenue(playback)
    for event in playback.events():
        for step in event.steps:
            venue.do(step)
    assert venue.refused == []
    remarks = " ".join(playback.remarks())
    assert f"executions: {met} took the recorded order" in remarks
    assert "no book is compared" in remarks


# -- by hand


def steps(messages: list[LobsterMessage], rows: list[LobsterDepth], levels: int) -> list[list[object]]:
    """The steps of each event, where the venue does nothing of its own."""
    return [list(event.steps) for event in LobsterPlayback(messages, rows, levels).events()]


def test_a_level_that_leaves_the_window_and_comes_back_costs_no_request() -> None:
    asked = steps(
        [message(NEW, 1, 5, 100), message(NEW, 2, 7, 101), message(DELETE, 2, 7, 101), message(DELETE, 1, 5, 100)],
        [bids((100, 5)), bids((101, 7)), bids((100, 5)), bids()],
        levels=1,
    )
    assert asked == [
        [EnterStep(1, "buy", "limit", 100, 5)],
        [EnterStep(2, "buy", "limit", 101, 7)],
        [CancelStep(2)],
        [CancelStep(1)],
    ]


def test_what_enters_the_window_beyond_the_known_was_there_before_and_is_placed_by_its_number() -> None:
    asked = steps(
        [
            message(NEW, 20, 5, 100),
            message(NEW, 30, 7, 101),
            message(DELETE, 30, 7, 101),
            message(EXECUTION, 10, 3, 100),
            message(EXECUTION, 20, 5, 100),
        ],
        [bids((100, 5)), bids((101, 7)), bids((100, 9)), bids((100, 6)), bids((100, 1))],
        levels=1,
    )
    assert asked[2] == [
        CancelStep(30),
        CancelStep(20),  # it came after order 10, which only now is seen to be there
        EnterStep(10, "buy", "limit", 100, 3),
        EnterStep(20, "buy", "limit", 100, 5),
        EnterStep(("buy", 100), "buy", "limit", 100, 1),  # nobody names it
    ]


def test_what_a_row_lacks_of_a_level_that_comes_back_ended_unseen_and_what_is_named_later_stays() -> None:
    asked = steps(
        [
            message(NEW, 1, 5, 100),
            message(NEW, 2, 6, 100),
            message(NEW, 3, 7, 101),
            message(DELETE, 3, 7, 101),
            message(DELETE, 2, 6, 100),
        ],
        [bids((100, 5)), bids((100, 11)), bids((101, 7)), bids((100, 6)), bids()],
        levels=1,
    )
    assert asked[3] == [CancelStep(3), CancelStep(1), CancelStep(2), EnterStep(2, "buy", "limit", 100, 6)]
    assert asked[4] == [CancelStep(2)]


def test_an_order_that_would_have_to_be_shown_and_is_not_ended_unseen() -> None:
    asked = steps(
        [message(NEW, 1, 5, 100), message(NEW, 2, 7, 101), message(DELETE, 2, 7, 101)],
        [bids((100, 5)), bids((101, 7)), bids((99, 1))],
        levels=1,
    )
    assert asked[2] == [CancelStep(2), CancelStep(1), EnterStep(("buy", 99), "buy", "limit", 99, 1)]


def test_an_order_that_enters_later_is_not_taken_for_one_that_was_there() -> None:
    asked = steps(
        [message(DELETE, 9, 1, 102), message(NEW, 1, 5, 100), message(CANCEL, 1, 2, 100)],
        [bids((100, 4)), bids((100, 9)), bids((100, 7))],
        levels=1,
    )
    assert asked == [
        [EnterStep(("buy", 100), "buy", "limit", 100, 4)],
        [EnterStep(1, "buy", "limit", 100, 5)],
        [ReduceStep(1, 3)],
    ]


@pytest.mark.parametrize(
    ("messages", "rows"),
    [([message(NEW, 1, 5, 100), message(NEW, 2, 5, 100)], [bids((100, 5)), bids((100, 8))]),
     ([message(NEW, 1, 5, 100), message(CANCEL, 1, 2, 100)], [bids((100, 5)), bids((100, 5))])],
)  # fmt: skip
def test_a_row_that_contradicts_its_message_is_followed_and_told(
    messages: list[LobsterMessage], rows: list[LobsterDepth]
) -> None:
    playback = LobsterPlayback(messages, rows, 1)
    venue = EngineVenue(playback)
    for event in playback.events():
        for step in event.steps:
            venue.do(step)
    assert venue.depth(1) == rows[-1]
    assert any("contradicted its message at 1 level" in remark for remark in playback.remarks())


def test_a_new_order_that_its_row_does_not_show_is_taken_off_again() -> None:
    asked = steps([message(NEW, 1, 5, 100), message(NEW, 2, 5, 101)], [bids((100, 5)), bids((100, 5))], levels=1)
    assert asked[1] == [EnterStep(2, "buy", "limit", 101, 5), CancelStep(2)]


def test_rows_and_messages_of_different_number_do_not_go_together() -> None:
    with pytest.raises(RecordError, match="2 messages and 1 rows"):
        LobsterPlayback([message(NEW, 1, 5, 100)] * 2, [bids((100, 5))], 1)
    with pytest.raises(RecordError, match="1 messages and more than 1 rows"):
        LobsterPlayback([message(NEW, 1, 5, 100)], [bids((100, 5))] * 2, 1)
