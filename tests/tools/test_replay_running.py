"""Replay of recorded flow against a real server, and the playbacks that decide what is asked."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.data.files import BITSTAMP, LOBSTER, needs_bitstamp, needs_lobster
from tests.tools.servers import run, running
from tools.measure import Summary
from tools.playback import BitstampPlayback, Cut, LobsterPlayback, Place, Remove, Reprice, common_in_order
from tools.recorded import (
    BitstampDepth,
    BitstampOrder,
    LobsterDepth,
    LobsterMessage,
    MessageType,
    OrderChange,
    RecordError,
)

# an order joins a level, is cut, an earlier one is executed, the other deleted: price and shares by hand
MESSAGES = """\
34200.1,1,11,100,310000,1
34200.2,1,12,50,310000,1
34200.3,2,12,20,310000,1
34200.4,4,11,100,310000,1
34200.5,5,0,10,310000,1
34200.6,3,12,30,310000,1
"""
BOOK = """\
310100,200,310000,100
310100,200,310000,150
310100,200,310000,130
310100,200,310000,30
310100,200,310000,30
310100,200,-9999999999,0
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("replay"), "--instruments", "config/replay.toml") as address:
        yield address


def recording(folder: Path, messages: str = MESSAGES, book: str = BOOK) -> Path:
    (folder / "orderbook_50.csv").write_text(book)
    path = folder / "message_50.csv"
    path.write_text(messages)
    return path


def replayed(*arguments: str) -> Summary:
    ended = run("-m", "tools.replay", *arguments, "--format", "json")
    assert ended.returncode == 0, ended.stderr
    return msgspec.json.decode(ended.stdout, type=Summary)


def test_a_lobster_file_ends_in_the_recorded_book(url: str, tmp_path: Path):
    summary = replayed("lobster", str(recording(tmp_path)), "--url", url, "--speed", "max")
    assert summary.counts == {"events": 6, "orders": 4, "amends": 1, "cancels": 1, "trades": 1}
    assert "reproduced 1 of 1 recorded trades, in order" in summary.notes
    assert "final book: equals the recorded one at all 1 + 0 levels" in summary.notes
    assert summary.rejects == {}


def test_a_book_that_is_not_the_recorded_one_is_told_apart(url: str, tmp_path: Path):
    wrong = BOOK.replace("310100,200,-9999999999,0", "310100,199,-9999999999,0")
    summary = replayed("lobster", str(recording(tmp_path, book=wrong)), "--url", url, "--speed", "max")
    assert any("DIFFERS" in note for note in summary.notes)


def test_speed_stretches_the_recorded_time(url: str, tmp_path: Path):
    summary = replayed("lobster", str(recording(tmp_path)), "--url", url, "--speed", "0.25")
    assert summary.seconds >= 2  # half a second was recorded


def test_a_replay_can_bring_its_own_server(tmp_path: Path):
    summary = replayed("lobster", str(recording(tmp_path)), "--spawn", "--speed", "max")
    assert summary.counts["trades"] == 1


def test_a_missing_file_and_an_unlisted_symbol_are_said_plainly(url: str, tmp_path: Path):
    missing = run("-m", "tools.replay", "bitstamp", str(tmp_path / "none.log"), "--url", url)
    assert missing.returncode == 1
    assert "there is no recorded data at" in missing.stderr
    unlisted = run("-m", "tools.replay", "lobster", str(recording(tmp_path)), "--url", url, "--symbol", "XYZ")
    assert unlisted.returncode == 1
    assert "config/replay.toml" in unlisted.stderr


def test_a_broken_line_is_named(url: str, tmp_path: Path):
    ended = run("-m", "tools.replay", "lobster", str(recording(tmp_path, messages="1,2\n")), "--url", url)
    assert ended.returncode == 1
    assert "line 1" in ended.stderr


@needs_lobster
def test_the_first_500_lobster_messages_end_in_the_recorded_book(url: str):
    file = str(LOBSTER / "message_50.csv.xz")
    summary = replayed("lobster", file, "--url", url, "--speed", "max", "--limit", "500")
    assert "final book: equals the recorded one at all 41 + 50 levels" in summary.notes  # asks, bids
    assert summary.rejects == {}


@needs_bitstamp
def test_the_first_2500_bitstamp_records_trade_as_recorded(url: str):
    file = str(BITSTAMP / "events.log.xz")
    summary = replayed("bitstamp", file, "--url", url, "--speed", "max", "--limit", "2500")
    assert "reproduced 54 of 69 recorded trades, in order" in summary.notes


# -- what is asked


def bitstamp(change: OrderChange, order_id: int, price: int, leaves: int) -> BitstampOrder:
    return BitstampOrder(1, change, order_id, "buy", price, leaves)


def test_bitstamp_owners_enter_reprice_and_cancel_and_their_fills_are_left_to_the_venue():
    playback = BitstampPlayback(
        [
            BitstampDepth(1, [(105, 7)], [(100, 9)]),
            bitstamp(OrderChange.CREATED, 1, 101, 5),
            bitstamp(OrderChange.CHANGED, 1, 101, 4),
            bitstamp(OrderChange.CHANGED, 1, 102, 4),
            bitstamp(OrderChange.DELETED, 1, 102, 4),
            bitstamp(OrderChange.DELETED, 2, 100, 3),
            bitstamp(OrderChange.DELETED, 3, 100, 6),
            bitstamp(OrderChange.DELETED, 4, 99, 6),
        ]
    )
    steps = [step for event in playback.events() for step in event.steps]
    assert steps == [
        Place(("buy", 100), "buy", "limit", 100, 9),
        Place(("sell", 105), "sell", "limit", 105, 7),
        Place(1, "buy", "limit", 101, 5),
        Reprice(1, 102),
        Remove(1),
        Cut(("buy", 100), 6),
        Remove(("buy", 100)),
    ]


def test_a_bitstamp_recording_without_a_book_has_nowhere_to_start():
    with pytest.raises(RecordError):
        BitstampPlayback([bitstamp(OrderChange.CREATED, 1, 101, 5)])


def test_what_a_lobster_execution_took_is_no_longer_there_to_be_cut():
    rows = [LobsterDepth([], [(100, 30)])] * 4
    messages = [
        LobsterMessage(1, MessageType.NEW_ORDER, 1, 30, 100, "buy"),
        LobsterMessage(2, MessageType.EXECUTION, 1, 20, 100, "buy"),
        LobsterMessage(3, MessageType.PARTIAL_CANCEL, 1, 4, 100, "buy"),
        LobsterMessage(4, MessageType.DELETE, 1, 6, 100, "buy"),
    ]
    playback = LobsterPlayback(messages, rows)
    events = playback.events()
    assert next(events).steps == [Place(("buy", 100), "buy", "limit", 100, 30)]
    assert next(events).steps == [Place(None, "sell", "ioc", 100, 20)]
    playback.traded(("buy", 100), 100, 20)
    assert next(events).steps == [Cut(("buy", 100), 26)]  # 20 filled and 6 open
    assert next(events).steps == [Remove(("buy", 100))]


def test_trades_in_common_keep_their_order():
    recorded = [(1, 1), (2, 2), (3, 3), (4, 4)]
    assert common_in_order(recorded, recorded) == 4
    assert common_in_order(recorded, [(2, 2), (1, 1), (4, 4)]) == 2
    assert common_in_order(recorded, []) == 0
