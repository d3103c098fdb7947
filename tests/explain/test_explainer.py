"""The process that explains goes on from its index and its snapshots, and makes anew what cannot be used."""

from __future__ import annotations

import gc
import math
import shutil
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from engine.events import Accepted, Filled
from engine.exchange import Exchange
from explain import checkpoints, order_index
from explain import explainer as explainer_module
from explain.explainer import INDEX_NAME, SNAPSHOTS_NAME, DroppedRecords, Explainer
from explain.memory import release
from explain.order_index import IndexDamaged, OrderIndex, open_index
from explain.protocol import Advance, Answer, Dropped, Message, Question, Unknown
from journal.codec import BatchRecord
from journal.snapshots import SnapshotFolder
from replica.follower import Follower
from tests.explain.market import Market, records_of
from tests.explain.random_market import random_market

EVERY = 100  # commands between two snapshots


class ListedRecords:
    """Records in memory, of which the first may be missing; says which were read."""

    def __init__(self, records: list[BatchRecord], first_n: int = 1) -> None:
        self.records = records
        self.first_n = first_n
        self.read: list[int] = []

    def part(self, after_n: int, until_n: int) -> list[BatchRecord]:
        """As of a journal."""
        found = [] if after_n < self.first_n - 1 else self.records[after_n:until_n]
        self.read += [record.n for record in found]
        return found

    def holding(self, seq: int) -> BatchRecord | None:
        """As of a journal; a record has one command here."""
        return self.records[seq - 1] if self.first_n <= seq <= len(self.records) else None


@pytest.fixture(scope="module")
def market() -> Market:
    return random_market(9)


@pytest.fixture(scope="module")
def records(market: Market) -> list[BatchRecord]:
    return records_of(market)


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "SNAPSHOT_EVERY", EVERY)
    monkeypatch.setattr(checkpoints, "FORK_EVERY", EVERY)
    monkeypatch.setattr(order_index, "COMMIT_EVERY", 20)


def answers(source: ListedRecords, folder: Path, questions: list[Question]) -> list[Message]:
    """Start, follow all there is, ask, and end."""
    folder.mkdir(exist_ok=True)
    explainer = Explainer(source, folder, [], [], source.first_n)
    try:
        explainer.follow(len(source.records), math.inf)
        return [explainer.answer(question) for question in questions]
    finally:
        explainer.close()


@pytest.fixture(scope="module")
def questions(market: Market) -> list[Question]:
    """About orders, trades and commands from the whole market."""
    orders = [e.order_id for events in market.events for e in events if isinstance(e, Accepted)][::90]
    trades = [e.trade_id for events in market.events for e in events if isinstance(e, Filled)][::60]
    return [
        *(Question("order", order, None, 20) for order in orders),
        *(Question("trade", trade, None, 20) for trade in trades),
        *(Question("command", seq, None, 20) for seq in range(1, len(market.commands), 120)),
    ]


@pytest.fixture(scope="module")
def expected(
    records: list[BatchRecord], questions: list[Question], tmp_path_factory: pytest.TempPathFactory
) -> list[Message]:
    found = answers(ListedRecords(records), tmp_path_factory.mktemp("expected"), questions)
    assert {type(answer) for answer in found} == {Answer}
    return found


def test_a_restart_reads_no_more_than_what_is_behind_the_newest_snapshot(
    records: list[BatchRecord], questions: list[Question], expected: list[Message], tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    half = len(records) * 2 // 3
    answers(ListedRecords(records[:half]), folder, [])
    source = ListedRecords(records)
    assert answers(source, folder, []) == []
    assert min(source.read) > half - 2 * EVERY
    assert answers(source, folder, questions) == expected


def test_snapshots_of_the_server_serve_as_well(
    records: list[BatchRecord], questions: list[Question], expected: list[Message], tmp_path: Path
) -> None:
    folder, source = tmp_path / "data", ListedRecords(records)
    answers(source, folder, [])
    (folder / SNAPSHOTS_NAME).rename(folder / "snapshots")
    source.read.clear()
    explainer = Explainer(source, folder, [folder / "snapshots"], [])
    try:
        explainer.follow(len(records), math.inf)
        assert min(source.read) > len(records) - 2 * EVERY
        assert [explainer.answer(question) for question in questions] == expected
    finally:
        explainer.close()


def test_where_memory_is_short_the_follower_goes_before_a_copy_comes_and_following_goes_on(
    records: list[BatchRecord],
    questions: list[Question],
    expected: list[Message],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(explainer_module, "FOLLOWED_BYTES_MAX", 0)
    monkeypatch.setattr(checkpoints, "FORKED_BYTES_MAX", 0)
    released: list[Exchange] = []
    monkeypatch.setattr(explainer_module, "release", released.append)
    source = ListedRecords(records[:-100])
    explainer = Explainer(source, tmp_path, [], [])
    try:
        explainer.follow(len(source.records), math.inf)
        explainer.answer(questions[0])
        source.records = records
        explainer.follow(len(records), math.inf)
        assert [explainer.answer(question) for question in questions] == expected
    finally:
        explainer.close()
    assert len(released) == 2


def test_what_is_released_leaves_no_orders_behind(market: Market, records: list[BatchRecord]) -> None:
    follower = Follower()
    for record in records:
        follower.follow(record)
    resting = [order for order in follower.exchange.orders.values() if order.level is not None]
    assert resting
    release(follower.exchange)
    assert all((order.level, order.ahead, order.behind, order.sibling) == (None,) * 4 for order in resting)
    del follower
    gc.collect()
    references = sys.getrefcount(resting[0])
    assert references == 2  # the list's and the call's


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5000])


def _scribble(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:8192] = b"\x5a" * 4096
    path.write_bytes(data)


def _of_another_format(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


def _no_database(path: Path) -> None:
    path.write_bytes(b"no database" * 1000)


@pytest.mark.parametrize("damage", [_cut, _scribble, _of_another_format, _no_database, Path.unlink])
def test_an_index_that_cannot_be_used_is_made_anew_and_explains_the_same(
    damage: Callable[[Path], None],
    records: list[BatchRecord],
    questions: list[Question],
    expected: list[Message],
    tmp_path: Path,
) -> None:
    folder, source = tmp_path / "data", ListedRecords(records)
    answers(source, folder, [])
    damage(folder / INDEX_NAME)
    assert answers(source, folder, questions) == expected
    assert (folder / f"{INDEX_NAME}.bad").exists() is (damage is not Path.unlink)


def test_an_index_of_another_journal_or_ahead_of_this_one_is_made_anew_with_its_snapshots(
    records: list[BatchRecord], questions: list[Question], expected: list[Message], tmp_path: Path
) -> None:
    other, ahead = tmp_path / "other", tmp_path / "ahead"
    answers(ListedRecords(records_of(random_market(10))), other, [])
    assert answers(ListedRecords(records), other, questions) == expected
    answers(ListedRecords(records), ahead, [])
    fewer = ListedRecords(records[: len(records) // 2])
    answers(fewer, ahead, [])
    assert max(file.seq for file in SnapshotFolder(ahead / SNAPSHOTS_NAME).files()) <= len(fewer.records)
    assert answers(ListedRecords(records), ahead, questions) == expected


def test_where_the_first_records_are_not_kept_it_says_where_explanations_begin(
    market: Market, records: list[BatchRecord], questions: list[Question], expected: list[Message], tmp_path: Path
) -> None:
    indexed, anew = tmp_path / "indexed", tmp_path / "anew"
    answers(ListedRecords(records), indexed, [])
    snapshots = sorted(SnapshotFolder(indexed / SNAPSHOTS_NAME).files())
    kept_from = snapshots[1].seq + 1  # some records from before it are kept, of which there is no state
    anew.mkdir()
    shutil.copytree(indexed / SNAPSHOTS_NAME, anew / SNAPSHOTS_NAME)
    source = ListedRecords(records, kept_from - 5)
    for folder in (indexed, anew):
        found = answers(source, folder, questions)
        for question, answer, whole in zip(questions, found, expected, strict=True):
            if isinstance(answer, Dropped):
                assert answer.first_seq == kept_from
            elif question.about != "trade" or isinstance(whole, Answer):
                assert len(msgspec.json.decode(_body(answer))["chapters"]) <= len(
                    msgspec.json.decode(_body(whole))["chapters"]
                )
            if question.about == "command" and question.number >= kept_from:
                assert answer in (whole, Dropped(kept_from))  # an order that was entered before
            if question.about == "command" and question.number < kept_from:
                assert answer == Dropped(kept_from)
        assert sum(isinstance(answer, Dropped) for answer in found) not in (0, len(found))
        assert answers(source, folder, [Question("order", 10**9, None, 20)]) == [Unknown()]


def _body(answer: Message) -> bytes:
    assert isinstance(answer, Answer)
    return answer.body


def test_without_the_first_records_and_without_a_snapshot_there_is_nothing_to_begin_from(
    records: list[BatchRecord], tmp_path: Path
) -> None:
    with pytest.raises(DroppedRecords) as dropped:
        answers(ListedRecords(records, 30), tmp_path / "data", [])
    assert dropped.value.first_seq == 30


def test_the_index_on_the_disk_finds_what_the_one_in_memory_does(
    market: Market, records: list[BatchRecord], tmp_path: Path
) -> None:
    follower, in_memory, on_disk = Follower(), OrderIndex(), OrderIndex(tmp_path / INDEX_NAME)
    follower.listen(in_memory.on_record)
    follower.listen(on_disk.on_record)
    for record in records:
        follower.follow(record)
    on_disk.commit()
    on_disk.close()
    again = open_index(tmp_path / INDEX_NAME)
    assert again.span == in_memory.span
    for number in range(1, len(records) + 1):
        assert again.seqs_of(number) == in_memory.seqs_of(number)
        assert again.state_of(number) == in_memory.state_of(number)
        assert again.trade(number) == in_memory.trade(number)
    for number in (2**70, -(2**70)):
        assert again.seqs_of(number) == []
        assert again.trade(number) is None
    again.close()


def test_advancing_says_how_far_it_came_and_what_is_noted_meanwhile_outlives_a_kill(
    records: list[BatchRecord], tmp_path: Path
) -> None:
    explainer = Explainer(ListedRecords(records), tmp_path, [], [])
    reached = explainer.advance(Advance(len(records), 0.0))
    assert (reached.n, reached.seq) == (1, 1)
    with sqlite3.connect(f"file:{tmp_path / INDEX_NAME}?immutable=1", uri=True) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    explainer.advance(Advance(100, 10.0))
    shutil.copytree(tmp_path, tmp_path.parent / "killed", dirs_exist_ok=True)
    explainer.close()
    assert OrderIndex(tmp_path.parent / "killed" / INDEX_NAME).span.n == 100


def test_an_index_in_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(IndexDamaged):
        OrderIndex(tmp_path / "none" / INDEX_NAME)


def test_a_process_that_the_journal_has_left_behind_goes_on_from_what_is_kept(
    records: list[BatchRecord], tmp_path: Path
) -> None:
    answers(ListedRecords(records), tmp_path / "server", [])
    first = min(SnapshotFolder(tmp_path / "server" / SNAPSHOTS_NAME).files()).n + 1
    assert first > EVERY
    (tmp_path / "data").mkdir()
    source = ListedRecords(records)
    explainer = Explainer(source, tmp_path / "data", [tmp_path / "server" / SNAPSHOTS_NAME], [])
    try:
        assert explainer.advance(Advance(10, 20.0)).n == 10
        source.first_n = first
        assert explainer.advance(Advance(len(records), 20.0, first)).n == len(records)
        assert explainer.answer(Question("command", 5, None, 20)) == Dropped(first)
    finally:
        explainer.close()


def test_a_process_that_is_left_behind_by_everything_says_so(records: list[BatchRecord], tmp_path: Path) -> None:
    source = ListedRecords(records)
    explainer = Explainer(source, tmp_path, [], [])
    try:
        explainer.advance(Advance(10, 20.0))
        source.first_n = 50
        with pytest.raises(DroppedRecords) as dropped:
            explainer.advance(Advance(len(records), 20.0, 50))
        assert dropped.value.first_seq == 50
    finally:
        explainer.close()
