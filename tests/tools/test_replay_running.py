"""Replay of recorded flow against a real server, and the playbacks that decide what is asked."""

import bz2
import gzip
import lzma
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from openbell_client import Client
from tests.data.documented import documented
from tests.data.files import AAPL, BITSTAMP, LOBSTER, needs_bitstamp, needs_lobster, needs_lobster_small
from tests.programs import run
from tests.server import RunningServer
from tests.tidy.sources import ROOT
from tools.archives import RecordError
from tools.lobster import LobsterPlayback
from tools.measure import Summary
from tools.playback import BitstampPlayback, CancelStep, EnterStep, ReduceStep, RepriceStep, common_in_order
from tools.recorded import (
    BitstampDepth,
    BitstampOrder,
    LobsterDepth,
    LobsterMessage,
    MessageType,
    OrderChange,
)
from tools.recordings import KINDS, WHERE_TO_GET_SOME
from tools.replay import parser

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
    with RunningServer(tmp_path_factory.mktemp("replay") / "data", "--instruments", "config/replay.toml") as server:
        yield server.url


def recording(folder: Path, messages: str = MESSAGES, book: str = BOOK) -> Path:
    (folder / "MSFT_orderbook_50.csv").write_text(book)
    path = folder / "MSFT_message_50.csv"
    path.write_text(messages)
    return path


def replayed(*arguments: str) -> Summary:
    ended = run("-m", "tools.replay", *arguments, "--format", "json")
    assert ended.returncode == 0, ended.stderr
    return msgspec.json.decode(ended.stdout, type=Summary)


def test_a_lobster_file_ends_in_the_recorded_book(url: str, tmp_path: Path) -> None:
    summary = replayed("lobster", str(recording(tmp_path)), "--url", url, "--speed", "max")
    assert summary.counts == {"events": 6, "orders": 4, "amends": 1, "cancels": 1, "trades": 1}
    assert "reproduced 1 of 1 recorded trades, in order" in summary.notes
    assert "final book: equals the recorded one at all 1 + 0 levels" in summary.notes
    assert summary.rejects == {}


def asked(url: str, path: str, **body: str) -> dict[str, str]:
    """The answer to one request."""
    with Client(url, retry_for_s=0) as client:
        answer: dict[str, str] = client.ask("POST", path, body)
        return answer


def test_a_row_that_contradicts_its_message_is_followed_and_told(url: str, tmp_path: Path) -> None:
    wrong = BOOK.replace("310100,200,-9999999999,0", "310100,199,-9999999999,0")
    summary = replayed("lobster", str(recording(tmp_path, book=wrong)), "--url", url, "--speed", "max")
    assert "a row contradicted its message at 1 level: the row was followed" in summary.notes
    assert "final book: equals the recorded one at all 1 + 0 levels" in summary.notes


def test_a_book_that_is_not_the_recorded_one_is_told_apart(url: str, tmp_path: Path) -> None:
    order = {"side": "sell", "order_type": "limit", "quantity": "1", "price": "31.01"}
    order_id = asked(url, "/order", symbol="MSFT-USD", **order)["order_id"]
    summary = replayed("lobster", str(recording(tmp_path)), "--url", url, "--speed", "max", "--compare", "4")
    asked(url, "/cancel", symbol="MSFT-USD", order_id=order_id)
    assert "the book of MSFT-USD was not empty: what others do changes the result" in summary.notes
    assert "final book: DIFFERS from the recorded one, at 1 of 1 + 0 levels" in summary.notes
    assert (
        "book: 0 of 2 rows compared equal the recorded ones (every 4th row and the last, 1 a side); "
        "the first that differs is row 4" in summary.notes
    )


def test_speed_stretches_the_recorded_time(url: str, tmp_path: Path) -> None:
    summary = replayed("lobster", str(recording(tmp_path)), "--url", url, "--speed", "0.25")
    assert summary.seconds >= 2  # half a second was recorded


def test_a_replay_can_bring_its_own_server(tmp_path: Path) -> None:
    arguments = ("--spawn", "--speed", "max", "--symbol", "aapl-usd")
    summary = replayed("lobster", str(recording(tmp_path)), *arguments)
    assert summary.title == "replay of lobster into AAPL-USD"
    assert summary.counts["trades"] == 1


def test_a_missing_file_and_an_unlisted_symbol_are_said_plainly(url: str, tmp_path: Path) -> None:
    missing = run("-m", "tools.replay", "bitstamp", str(tmp_path / "none.log"), "--url", url)
    assert missing.returncode == 1
    assert "there is no recorded data at" in missing.stderr
    unlisted = run("-m", "tools.replay", "lobster", str(recording(tmp_path)), "--url", url, "--symbol", "XYZ")
    assert unlisted.returncode == 1
    assert "config/replay.toml" in unlisted.stderr
    unnamed = tmp_path / "message_1.csv"
    unnamed.write_text(MESSAGES)
    output = refused("lobster", str(unnamed), "--url", url)
    assert "no listed symbol is told by the name of" in output
    assert "name one of them with --symbol" in output


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_recording_it_is_said_where_to_get_one(kind: str) -> None:
    ended = run("-m", "tools.replay", kind)
    assert ended.returncode == 1
    assert WHERE_TO_GET_SOME[kind] in ended.stderr
    assert "shared/data" not in run("-m", "tools.replay", "--help").stdout


def test_the_recording_that_the_documentation_shows_is_there_and_plays_on_a_server_of_its_own() -> None:
    file = ROOT / "examples" / "btc-usd.csv"
    assert file.read_text() == documented()
    summary = replayed("csv", str(file), "--spawn", "--speed", "max")
    assert summary.title == "replay of csv into BTC-USD"
    assert "reproduced 3 of 3 recorded trades, in order" in summary.notes


def test_every_documented_replay_is_one_that_the_command_line_takes() -> None:
    pages = [ROOT / "README.md", ROOT / "Makefile", *sorted((ROOT / "Documentation").rglob("*.md"))]
    wanted = re.compile(r'make replay (?:\S+ )?ARGS="([^"]*)"')
    commands = [found for page in pages for found in wanted.findall(page.read_text())]
    assert len(commands) >= 3
    for command in commands:
        assert parser().parse_args(command.split()).kind in KINDS


def refused(*arguments: str) -> str:
    """The one sentence with which a replay ends that cannot start."""
    ended = run("-m", "tools.replay", *arguments)
    assert ended.returncode == 1
    assert ended.stdout == ""
    (sentence,) = ended.stderr.splitlines()
    assert sentence.startswith("The replay ends: ")
    return sentence


def test_a_broken_line_is_named(url: str, tmp_path: Path) -> None:
    output = refused("lobster", str(recording(tmp_path, messages="1,2\n")), "--url", url)
    assert "MSFT_message_50.csv, line 1: 2 columns, where a message has 6" in output
    output = refused("lobster", str(recording(tmp_path, book="310100,200,310000,x\n")), "--url", url)
    assert "MSFT_orderbook_50.csv, line 1: 'x' is not a whole number" in output


def test_a_truncated_archive_is_one_sentence_with_the_line(url: str, tmp_path: Path) -> None:
    whole = lzma.compress(MESSAGES.encode() * 500)
    (tmp_path / "MSFT_message_1.csv.XZ").write_bytes(whole[: len(whole) // 2])
    output = refused("lobster", str(tmp_path / "MSFT_message_1.csv.XZ"), "--url", url)
    assert re.search(r"MSFT_message_1\.csv\.XZ is damaged: it cannot be decompressed after line \d+", output)


def test_rows_that_do_not_go_with_the_messages_are_said_plainly(url: str, tmp_path: Path) -> None:
    output = refused("lobster", str(recording(tmp_path, book="310100,200,310000,100\n")), "--url", url)
    assert "6 messages and 1 rows of the book do not go together" in output


def test_prices_that_are_finer_than_the_tick_are_said_before_anything_is_entered(url: str, tmp_path: Path) -> None:
    fine = MESSAGES.replace("310000", "310050")
    output = refused("lobster", str(recording(tmp_path, messages=fine)), "--url", url)
    assert "MSFT-USD has ticks of 0.01; the recording has a price of 31.005" in output


def test_the_order_book_may_have_any_name_and_be_compressed_in_another_way(url: str, tmp_path: Path) -> None:
    messages, book = tmp_path / "msft.csv", tmp_path / "depth.bin"
    messages.write_bytes(bz2.compress(("t,type,id,size,price,side\n" + MESSAGES).encode()))
    book.write_bytes(gzip.compress(BOOK.encode()))
    summary = replayed("lobster", str(messages), "--book", str(book), "--url", url, "--speed", "max", "--compare", "1")
    assert "msft.csv, line 1 is a header row: left out" in summary.notes
    assert "executions: 1 of 1 took the recorded order, at its price and with its quantity" in summary.notes
    assert "book: 6 of 6 rows compared equal the recorded ones (every row, 1 a side)" in summary.notes


def test_a_message_file_alone_plays_and_says_what_that_means(url: str, tmp_path: Path) -> None:
    path = tmp_path / "msft_message_1.csv"
    path.write_text(MESSAGES.replace("34200.1,1,11,100,310000,1\n", ""))
    summary = replayed("lobster", str(path), "--url", url, "--speed", "max")
    assert summary.counts["trades"] == 1
    assert any(
        note.startswith("without an order book file: 1 order of before placed as named and numbered")
        and "no book is compared" in note
        for note in summary.notes
    )


def test_the_documented_plain_csv_plays_as_it_says(url: str, tmp_path: Path) -> None:
    path = tmp_path / "msft.csv"
    path.write_text(documented())
    summary = replayed("csv", str(path), "--url", url, "--speed", "max")
    assert summary.counts == {"events": 7, "orders": 5, "amends": 1, "cancels": 1, "trades": 3}
    assert "reproduced 3 of 3 recorded trades, in order" in summary.notes
    assert summary.rejects == {}


@needs_lobster_small
def test_aapl_at_ten_levels_is_reproduced_through_the_public_api_in_the_symbol_that_its_name_tells(url: str) -> None:
    summary = replayed("lobster", str(AAPL), "--url", url, "--speed", "max", "--compare", "50")
    assert summary.title == "replay of lobster into AAPL-USD"
    assert "reproduced 98 of 98 recorded trades, in order" in summary.notes
    assert "executions: 98 of 98 took the recorded order, at its price and with its quantity" in summary.notes
    assert (
        "book: 20 of 20 rows compared equal the recorded ones (every 50th row and the last, 10 a side)" in summary.notes
    )
    assert "final book: equals the recorded one at all 10 + 10 levels" in summary.notes
    assert not any("cross" in note for note in summary.notes)
    assert summary.rejects == {}


@needs_lobster
def test_the_first_500_lobster_messages_end_in_the_recorded_book(url: str) -> None:
    file = str(LOBSTER / "message_50.csv.xz")
    summary = replayed("lobster", file, "--url", url, "--speed", "max", "--limit", "500")
    assert "final book: equals the recorded one at all 41 + 50 levels" in summary.notes  # asks, bids
    assert summary.rejects == {}


@needs_bitstamp
def test_the_first_2500_bitstamp_records_trade_as_recorded(url: str) -> None:
    file = str(BITSTAMP / "events.log.xz")
    summary = replayed("bitstamp", file, "--url", url, "--speed", "max", "--limit", "2500")
    assert "reproduced 54 of 69 recorded trades, in order" in summary.notes


# -- what is asked


def bitstamp(change: OrderChange, order_id: int, price: int, leaves: int) -> BitstampOrder:
    return BitstampOrder(1, change, order_id, "buy", price, leaves)


def test_bitstamp_owners_enter_reprice_and_cancel_and_their_fills_are_left_to_the_venue() -> None:
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
        EnterStep(("buy", 100), "buy", "limit", 100, 9),
        EnterStep(("sell", 105), "sell", "limit", 105, 7),
        EnterStep(1, "buy", "limit", 101, 5),
        RepriceStep(1, 102),
        CancelStep(1),
        ReduceStep(("buy", 100), 6),
        CancelStep(("buy", 100)),
    ]


def test_a_bitstamp_recording_without_a_book_has_nowhere_to_start() -> None:
    with pytest.raises(RecordError):
        BitstampPlayback([bitstamp(OrderChange.CREATED, 1, 101, 5)])


def test_what_a_lobster_execution_took_is_no_longer_there_to_be_cut() -> None:
    rows = [LobsterDepth([], [(100, shares)] if shares else []) for shares in (30, 10, 6, 0)]
    messages = [
        LobsterMessage(1, MessageType.NEW_ORDER, 1, 30, 100, "buy"),
        LobsterMessage(2, MessageType.EXECUTION, 1, 20, 100, "buy"),
        LobsterMessage(3, MessageType.PARTIAL_CANCEL, 1, 4, 100, "buy"),
        LobsterMessage(4, MessageType.DELETE, 1, 6, 100, "buy"),
    ]
    playback = LobsterPlayback(messages, rows)
    events = playback.events()
    assert list(next(events).steps) == [EnterStep(1, "buy", "limit", 100, 30)]
    assert list(next(events).steps) == [EnterStep(None, "sell", "ioc", 100, 20)]
    playback.traded(1, 100, 20)
    assert list(next(events).steps) == [ReduceStep(1, 26)]  # 20 filled and 6 open
    assert list(next(events).steps) == [CancelStep(1)]


def test_many_equal_trades_in_common_are_counted_once_each() -> None:
    assert common_in_order([(1, 1)] * 300 + [(2, 2)], [(2, 2)] + [(1, 1)] * 200) == 200


def test_trades_in_common_keep_their_order() -> None:
    recorded = [(1, 1), (2, 2), (3, 3), (4, 4)]
    assert common_in_order(recorded, recorded) == 4
    assert common_in_order(recorded, [(2, 2), (1, 1), (4, 4)]) == 2
    assert common_in_order(recorded, []) == 0


@needs_lobster_small
def test_a_venue_whose_collar_refuses_the_recorded_prices_says_which_venue_takes_them(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as another:
        for side, price in (("buy", "190.00"), ("sell", "190.10")):  # a third of the recorded price
            order = {"symbol": "AAPL-USD", "side": side, "order_type": "limit", "quantity": "1", "price": price}
            urllib.request.urlopen(f"{another.url}/order", msgspec.json.encode(order), timeout=30).close()  # noqa: S310 - our own server
        summary = replayed("lobster", str(AAPL), "--url", another.url, "--speed", "max", "--limit", "30")
    (note,) = [note for note in summary.notes if "collar" in note]
    assert note.startswith(f"AAPL-USD refused {summary.rejects['PRICE_OUTSIDE_COLLAR']} orders for their prices")
    assert "--instruments config/replay.toml" in note
