"""Exported rows say what the engine did: checked against the commands' events and whole books, in either format."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from engine.commands import EnterOrder
from engine.depth import l2
from engine.events import Accepted, Ended, Filled, Rejected
from engine.exchange import Exchange
from engine.types import Lots, OrderType, Side, Ticks, TimeInForce
from export.__main__ import main
from export.files import time_text
from export.schema import TABLES, Kind
from export.session import Bounds, Session
from export.tables import FORMATS
from journal.archive import ArchiveFolder
from journal.codec import GENESIS, seal
from journal.snapshots import SnapshotFolder
from journal.sqlite import SqliteJournal
from replica.follower import Follower
from tests.explain.market import STEP_NS, SYMBOL, Market
from tests.explain.random_market import ACCOUNTS, random_market

BATCH = 3  # commands a record


@pytest.fixture(scope="module")
def market() -> Market:
    market = random_market(11)
    gtc = OrderType.LIMIT, TimeInForce.GTC
    market.do(EnterOrder(ACCOUNTS[1], SYMBOL, Side.BUY, *gtc, Lots(1), Ticks(9_000), "jane-doe-1"))
    market.enter(ACCOUNTS[0], "buy", 5000, 10_000)  # refused, for its quantity
    return market


@pytest.fixture(scope="module")
def data(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the market's journal, and a snapshot from the middle."""
    folder = tmp_path_factory.mktemp("data")
    journal = SqliteJournal(folder / "journal.sqlite")
    follower, chain = Follower(), GENESIS
    for n, start in enumerate(range(0, len(market.commands), BATCH), 1):
        commands = market.commands[start : start + BATCH]
        record = seal(n, commands[0][1], start + 1, [command for _, _, command in commands], chain)
        journal.append(record)
        follower.follow(record)
        if n == 40:
            SnapshotFolder(folder / "snapshots").save(follower.exchange, record, {})
        chain = record.chain
    journal.close()
    return folder


@pytest.fixture(scope="module")
def replayed(data: Path) -> list[tuple[int, int, list[Any]]]:
    """Seq, time and events of every command, as the journal's times make them."""
    journal = SqliteJournal(data / "journal.sqlite")
    follower = Follower()
    found = [(int(step.seq), step.ts_ns, step.events) for record in journal.read() for step in follower.steps(record)]
    journal.close()
    return found


def export(data: Path, out: Path, *arguments: str) -> dict[str, list[dict[str, Any]]]:
    """Run the program; the rows of each JSON Lines file."""
    assert main([str(data), "--out", str(out), *arguments]) == 0
    assert [path.name for path in out.glob("*.part")] == []
    return {
        path.stem: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for path in out.glob("*.jsonl")
    }


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    return export(data, tmp_path_factory.mktemp("whole"))


def test_every_row_has_the_columns_of_its_table_in_order(whole: dict[str, list[dict[str, Any]]]) -> None:
    assert set(whole) == set(TABLES)
    for name, rows in whole.items():
        assert rows
        assert {tuple(row) for row in rows} == {tuple(column.name for column in TABLES[name])}


def test_a_trade_has_a_row_with_the_numbers_of_its_event(
    replayed: list[tuple[int, int, list[Any]]], whole: dict[str, list[dict[str, Any]]]
) -> None:
    fills = [(seq, event) for seq, _, events in replayed for event in events if isinstance(event, Filled)]
    assert len(fills) == len(whole["trades"]) > 50
    for (seq, event), row in zip(fills, whole["trades"], strict=True):
        assert (row["seq"], row["trade_id"], row["price_ticks"], row["quantity_lots"]) == (
            seq,
            event.trade_id,
            event.price,
            event.quantity,
        )
        assert row["price"] == f"{event.price // 100}.{event.price % 100:02}"
        assert (row["maker_account"], row["taker_order_id"]) == (event.maker_account, event.taker_order_id)
        assert row["time"] == time_text(row["ts_ns"])


def test_an_order_has_one_row_with_its_end_or_as_it_still_is(
    replayed: list[tuple[int, int, list[Any]]], whole: dict[str, list[dict[str, Any]]]
) -> None:
    events = [event for _, _, events in replayed for event in events]
    accepted = {event.order_id for event in events if isinstance(event, Accepted)}
    ended = {event.order_id: event for event in events if isinstance(event, Ended)}
    rows = {row["order_id"]: row for row in whole["orders"] if row["order_id"] is not None}
    assert set(rows) == accepted
    fills = [order for e in events if isinstance(e, Filled) for order in (e.maker_order_id, e.taker_order_id)]
    for order_id, row in rows.items():
        assert row["fills"] == fills.count(order_id)
        assert (row["ended_seq"] is None) == (order_id not in ended)
        if order_id in ended:
            event = ended[order_id]
            assert (row["filled_lots"], row["quantity_lots"]) == (event.cum, event.quantity)
            assert row["status"] == {"Completed": "filled"}.get(type(event).__name__, type(event).__name__.lower())
    assert {row["status"] for row in rows.values()} >= {"filled", "cancelled", "resting"}
    refused = [row for row in whole["orders"] if row["status"] == "rejected"]
    reasons = [event.reason for event in events if isinstance(event, Rejected) and event.order_id is None]
    assert refused[-1]["reason"] == reasons[-1] == "quantity_too_large"
    assert refused[-1]["quantity"] == "5000"


def _books(exchange: Exchange) -> dict[tuple[str, str, int], tuple[int, int]]:
    return {
        (symbol, side, price): (quantity, orders)
        for symbol, book in exchange.books.items()
        for side, levels in ((Side.BUY, book.bids), (Side.SELL, book.asks))
        for price, quantity, orders in l2(levels, None)
    }


def test_the_changes_of_the_book_give_the_whole_book_after_every_command(
    data: Path, market: Market, whole: dict[str, list[dict[str, Any]]]
) -> None:
    by_seq: dict[int, list[dict[str, Any]]] = {}
    for row in whole["book"]:
        by_seq.setdefault(row["seq"], []).append(row)
    journal, exchange = SqliteJournal(data / "journal.sqlite"), Exchange()
    folded: dict[tuple[str, str, int], tuple[int, int]] = {}
    for step in _steps(journal, exchange):
        for row in by_seq.get(step, []):
            level = row["symbol"], row["side"], row["price_ticks"]
            if row["orders"]:
                folded[level] = row["quantity_lots"], row["orders"]
            else:
                del folded[level]
        assert folded == _books(exchange)
    journal.close()


def _steps(journal: SqliteJournal, exchange: Exchange) -> Iterator[int]:
    follower = Follower(exchange)
    for record in journal.read():
        for step in follower.steps(record):
            yield int(step.seq)


def test_every_event_has_a_row(
    replayed: list[tuple[int, int, list[Any]]], whole: dict[str, list[dict[str, Any]]]
) -> None:
    assert [(row["seq"], row["number"]) for row in whole["events"]] == [
        (seq, number) for seq, _, events in replayed for number in range(len(events))
    ]
    row = next(row for row in whole["events"] if row["event"] == "filled")
    assert (row["symbol"], row["command"]) == (SYMBOL, "enter_order")
    assert json.loads(row["fields"])["trade_id"] == row["trade_id"] == 1


@pytest.mark.parametrize("first", [30, 31, 200])  # before the snapshot, and behind it
def test_a_part_has_the_rows_of_its_commands_and_the_book_that_it_began_with(
    first: int, data: Path, whole: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    part = export(data, tmp_path, "--from", str(first), "--to", "250")
    for name in ("trades", "events"):
        assert part[name] == [row for row in whole[name] if first <= row["seq"] <= 250]
    assert [row for row in part["book"] if not row["initial"]] == [
        row for row in whole["book"] if first <= row["seq"] <= 250
    ]
    book: dict[Any, Any] = {}
    for row in whole["book"]:
        if row["seq"] < first:
            book[row["side"], row["price"]] = row["quantity"], row["orders"]
    initial = {(row["side"], row["price"]): (row["quantity"], row["orders"]) for row in part["book"] if row["initial"]}
    assert initial == {level: shown for level, shown in book.items() if shown[1]}
    ended = {row["order_id"]: row for row in part["orders"] if row["ended_seq"]}
    expected = {row["order_id"]: row for row in whole["orders"] if first <= (row["ended_seq"] or 0) <= 250}
    assert {key: row["filled"] for key, row in ended.items()} == {key: row["filled"] for key, row in expected.items()}


@pytest.mark.parametrize("first", [1, 30, 200])
def test_a_session_begins_and_ends_in_the_middle_of_a_record(first: int, data: Path) -> None:
    journal = SqliteJournal(data / "journal.sqlite")
    begun: list[int] = []
    session = Session(journal, [data / "snapshots"], Bounds(first, 250))
    results = list(session.commands(lambda exchange: begun.append(exchange.seq)))
    assert [result.seq for result in results] == list(range(first, 251))
    assert begun == [first - 1]
    journal.close()


def test_times_bound_a_part_as_seqs_do(data: Path, whole: dict[str, list[dict[str, Any]]], tmp_path: Path) -> None:
    start, end = (time_text(STEP_NS * seq)[:19] + "Z" for seq in (100, 200))
    part = export(data, tmp_path, "--what", "events", "--from", start, "--to", end)
    assert part == {"events": [row for row in whole["events"] if 100 * STEP_NS <= row["ts_ns"] < 200 * STEP_NS]}


def test_parquet_has_the_same_values_with_exact_decimals(
    data: Path, whole: dict[str, list[dict[str, Any]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export.parquet.SLICE_ROWS", 16)
    monkeypatch.setattr("export.parquet.GROUP_ROWS", 48)
    export(data, tmp_path, "--format", "parquet")
    for name, columns in TABLES.items():
        file = pq.ParquetFile(tmp_path / f"{name}.parquet")
        assert file.metadata.num_row_groups == -(-len(whole[name]) // 48)
        table = file.read()
        assert table.column_names == [column.name for column in columns]
        for column in columns:
            values = table.column(column.name)
            found = values.cast("int64").to_pylist() if column.kind is Kind.TIME else values.to_pylist()
            expected = [row[column.name] for row in whole[name]]
            if column.kind is Kind.TIME:
                found = [None if value is None else time_text(value) for value in found]
            if column.kind is Kind.DECIMAL:
                found = [None if value is None else value.normalize() for value in found]
                expected = [
                    None if text is None else type(found[at])(text).normalize() for at, text in enumerate(expected)
                ]
            assert found == expected, column.name


def test_anonymous_rows_tell_neither_accounts_nor_client_order_ids(
    data: Path, whole: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    export(data, tmp_path, "--anonymous")
    texts = [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()]
    assert [secret for secret in (*ACCOUNTS, "jane-doe") for text in texts if str(secret) in text] == []
    assert "jane-doe-1" in {row["client_order_id"] for row in whole["orders"]}
    rows = [json.loads(line) for line in (tmp_path / "trades.jsonl").read_text(encoding="utf-8").splitlines()]
    pairs = {(row["maker_account"], known["maker_account"]) for row, known in zip(rows, whole["trades"], strict=True)}
    assert len(pairs) == len({known for _, known in pairs}) == len({given for given, _ in pairs}) > 1
    orders = [json.loads(line) for line in (tmp_path / "orders.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {row["client_order_id"] for row in orders} == {None}


def test_only_a_symbol_that_is_named_is_exported_and_an_unknown_one_is_refused(
    data: Path, whole: dict[str, list[dict[str, Any]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = export(data, tmp_path / "one", "--symbol", SYMBOL, "--what", "trades,events")
    assert part["trades"] == whole["trades"]
    assert part["events"] == [row for row in whole["events"] if row["symbol"] == SYMBOL]
    assert main([str(data), "--out", str(tmp_path / "none"), "--symbol", "Y-USD"]) == 2
    assert capsys.readouterr().err.endswith("No symbol of this session is named Y-USD.\n")
    assert list((tmp_path / "none").iterdir()) == []


def test_what_cannot_be_exported_is_a_sentence_and_no_file(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "trades.jsonl").write_text("mine")
    (tmp_path / "empty").mkdir()
    SqliteJournal(tmp_path / "empty" / "journal.sqlite").close()
    for arguments, said in (
        ((str(tmp_path / "nowhere"),), "There is no journal at"),
        ((str(tmp_path / "empty"),), "The journal is empty."),
        ((str(data), "--from", "999999"), "none is in what was asked for"),
        ((str(data), "--format", "parquet"), "pip install 'openbell[parquet]'"),
    ):
        out = tmp_path / "out"
        assert main([*arguments, "--out", str(out)]) == 2
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1
        assert not out.exists() or list(out.iterdir()) == []
    assert main([str(data), "--out", str(tmp_path / "there"), "--what", "trades"]) == 2
    assert "--replace" in capsys.readouterr().err
    assert (tmp_path / "there" / "trades.jsonl").read_text() == "mine"
    export(data, tmp_path / "there", "--what", "trades", "--replace")
    with pytest.raises(SystemExit):
        main([str(data), "--out", str(tmp_path), "--what", "candles"])


def test_the_folder_is_left_as_it_was_and_the_files_are_for_their_owner(data: Path, tmp_path: Path) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in data.rglob("*"))
    export(data, tmp_path)
    assert sorted((path, path.stat().st_mtime_ns) for path in data.rglob("*")) == before
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_archived_records_are_exported_and_of_dropped_ones_it_is_said_where_to_begin(
    data: Path, whole: dict[str, list[dict[str, Any]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "data"
    shutil.copytree(data, copy)
    archive = ArchiveFolder(copy / "archive")
    journal = SqliteJournal(copy / "journal.sqlite", archive=archive)
    archive.write(journal.read())
    (snapshot,) = SnapshotFolder(copy / "snapshots").files()
    journal.trim(snapshot.n)
    while journal.tend(idle=True):
        pass
    assert journal.first_n == snapshot.n + 1
    journal.close()
    assert export(copy, tmp_path / "archived", "--what", "trades") == {"trades": whole["trades"]}
    shutil.rmtree(archive.folder)
    assert main([str(copy), "--out", str(tmp_path / "dropped")]) == 2
    assert f"--from {snapshot.seq + 1}" in capsys.readouterr().err
    part = export(copy, tmp_path / "dropped", "--what", "events", "--from", str(snapshot.seq + 1))
    assert part["events"] == [row for row in whole["events"] if row["seq"] > snapshot.seq]
    snapshot.path.unlink()
    assert main([str(copy), "--out", str(tmp_path / "nothing"), "--from", str(snapshot.seq + 1)]) == 2
    assert "no snapshot" in capsys.readouterr().err


@pytest.mark.parametrize("where", ["", "exports", "snapshots/../exports"])
def test_nothing_is_exported_into_the_data_folder(data: Path, where: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(data), "--out", str(data / where)]) == 2
    assert "is in the data folder" in capsys.readouterr().err
    assert sorted(path.suffix for path in data.iterdir() if path.suffix in (".jsonl", ".part")) == []
    assert not (data / "exports").exists()


@pytest.mark.parametrize("file_format", FORMATS)
def test_links_that_lie_in_the_folder_are_not_followed(
    data: Path, tmp_path: Path, file_format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, out = tmp_path / "mine", tmp_path / "out"
    mine.write_text("mine", encoding="utf-8")
    out.mkdir()
    (out / f"trades.{file_format}.part").symlink_to(mine)
    asked = [str(data), "--out", str(out), "--what", "trades", "--format", file_format]
    for leads_to in (mine, tmp_path / "nowhere"):
        link = out / f"trades.{file_format}"
        link.symlink_to(leads_to)
        assert main(asked) == 2
        assert "already" in capsys.readouterr().err
        assert main([*asked, "--replace"]) == 0
        assert not link.is_symlink()
        assert link.stat().st_mode & 0o777 == 0o600
        link.unlink()
    assert mine.read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "nowhere").exists()


def test_a_part_that_others_may_read_lends_its_mode_to_nothing(data: Path, tmp_path: Path) -> None:
    (tmp_path / "trades.jsonl.part").write_bytes(b"old")
    (tmp_path / "trades.jsonl.part").chmod(0o644)
    assert main([str(data), "--out", str(tmp_path), "--what", "trades"]) == 0
    assert (tmp_path / "trades.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_folder_in_the_place_of_a_file_is_not_replaced(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "trades.jsonl").mkdir()
    assert main([str(data), "--out", str(tmp_path), "--replace"]) == 2
    assert "is a folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["trades.jsonl"]


def test_ctrl_c_is_a_sentence_and_leaves_no_file(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("export.tables.TradeRows.rows", interrupted)
    assert main([str(data), "--out", str(tmp_path), "--what", "trades"]) == 130
    assert capsys.readouterr().err.endswith("Interrupted: nothing was exported.\n")
    assert list(tmp_path.iterdir()) == []
