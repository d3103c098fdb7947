"""The server's side of explanations: questions are bounded, and a journal that grows meanwhile is no trouble."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import eventlet
import msgspec
import pytest

from engine.commands import Command
from engine.types import OrderId
from explain import host as explain_host
from explain.__main__ import NoExplanation, explain, main
from explain.host import (
    ExplainerBusy,
    ExplainerFailed,
    ExplainHost,
    NotExplained,
    NothingToExplain,
    NotKept,
    RecordsUnreadable,
)
from explain.protocol import Question
from journal.archive import ArchiveFolder
from journal.codec import GENESIS, BatchRecord, seal
from journal.snapshots import SnapshotFolder
from journal.sqlite import SqliteJournal
from replica.follower import Follower
from tests.explain.market import ANN, BEN, CAT, Market, records_of


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    journal = SqliteJournal(tmp_path / "journal.sqlite")
    yield journal
    journal.close()


@pytest.fixture
def explainer(journal: SqliteJournal) -> Iterator[ExplainHost]:
    explainer = ExplainHost(journal, journal.path.parent)
    yield explainer
    explainer.close()
    assert explainer.pid is None


def append(journal: SqliteJournal, commands: list[tuple[int, int, Command]]) -> BatchRecord:
    """One record of all that `commands` have beyond the journal."""
    last = journal.last
    known = 0 if last is None else last.last_seq
    new = [command for _, _, command in commands[known:]]
    n, chain = (1, GENESIS) if last is None else (last.n + 1, last.chain)
    record = seal(n, commands[-1][1], known + 1, new, chain)
    journal.append(record)
    return record


def test_of_one_account_only_so_many_may_ask_at_a_time(
    journal: SqliteJournal, explainer: ExplainHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = Market()
    order = market.enter(CAT, "buy", 1, 100)
    append(journal, market.commands)
    refused: list[NotExplained] = []
    bodies: list[bytes] = []

    def ask() -> None:
        try:
            bodies.append(explainer.explain("order", order, CAT))
        except NotExplained as refusal:
            refused.append(refusal)

    asking = [eventlet.spawn(ask) for _ in range(explain_host.OWN_MAX + 2)]
    for greenlet in asking:
        greenlet.wait()
    assert [type(refusal) for refusal in refused] == [ExplainerBusy] * 2
    assert len(bodies) == explain_host.OWN_MAX
    assert len(set(bodies)) == 1


def test_a_journal_that_grows_between_and_during_questions_is_followed(
    journal: SqliteJournal, explainer: ExplainHost
) -> None:
    market = Market()
    first = market.enter(CAT, "sell", 200, 100)
    append(journal, market.commands)
    for turn in range(1, 6):
        buyer = market.enter(BEN, "buy", 1, 100)
        append(journal, market.commands)
        asking = eventlet.spawn(explainer.explain, "order", buyer, BEN)
        for _ in range(20):  # while the question is answered
            market.enter(ANN, "buy", 1, 50)
            append(journal, market.commands)
            eventlet.sleep(0)
        assert msgspec.json.decode(asking.wait())["filled"] == "1"
        explanation = msgspec.json.decode(explainer.explain("order", first, CAT))
        assert (explanation["filled"], len(explanation["chapters"])) == (str(turn), turn + 1)


def test_a_process_that_says_nothing_is_ended_and_the_next_question_starts_another(
    journal: SqliteJournal, explainer: ExplainHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = Market()
    order = market.enter(CAT, "buy", 1, 100)
    append(journal, market.commands)
    monkeypatch.setattr(explain_host, "CATCH_UP_S", 0.0)
    monkeypatch.setattr(explain_host, "GRACE_S", 0.0)
    with pytest.raises(ExplainerFailed):
        explainer.explain("order", order, CAT)
    assert explainer.pid is None
    monkeypatch.undo()
    assert msgspec.json.decode(explainer.explain("order", order, CAT))["order_id"] == str(order)


def test_what_never_was_is_unknown(journal: SqliteJournal, explainer: ExplainHost) -> None:
    market = Market()
    order = market.enter(CAT, "buy", 1, 100)
    append(journal, market.commands)
    for number in (0, order + 1, OrderId(2**62), -5):
        with pytest.raises(NothingToExplain):
            explainer.explain("order", number, CAT)


def test_it_answers_where_python_keeps_the_working_folder_off_its_path(
    journal: SqliteJournal, explainer: ExplainHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    market = Market()
    order = market.enter(CAT, "buy", 1, 100)
    append(journal, market.commands)
    assert explainer.explain("order", order, CAT)


def test_when_nobody_asks_for_a_while_the_process_is_ended_and_the_next_question_starts_another(
    journal: SqliteJournal, explainer: ExplainHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explain_host, "IDLE_S", 0.2)
    market = Market()
    order = market.enter(CAT, "buy", 1, 100)
    append(journal, market.commands)
    first = explainer.explain("order", order, CAT)
    with eventlet.Timeout(20):
        while explainer.pid is not None:
            eventlet.sleep(0.05)
    assert explainer.explain("order", order, CAT) == first


def test_records_of_the_archive_are_explained_and_those_that_were_dropped_are_answered_with_where_it_begins(
    tmp_path: Path,
) -> None:
    market = Market()
    order = market.enter(CAT, "sell", 5, 100)
    for _ in range(20):
        market.enter(BEN, "buy", 1, 90)
    buyer = market.enter(BEN, "buy", 1, 100)
    folder = tmp_path / "data"
    folder.mkdir()
    archive = ArchiveFolder(folder / "archive")
    journal = SqliteJournal(folder / "journal.sqlite", archive=archive)
    for count in range(1, len(market.commands) + 1):
        append(journal, market.commands[:count])
    explainer = ExplainHost(journal, folder)
    expected = [explainer.explain("order", number, None) for number in (order, buyer)]
    explainer.close()
    archive.write(journal.read())
    journal.trim(len(market.commands) - 3)
    while journal.tend(idle=True):
        pass
    assert journal.first_n == len(market.commands) - 2
    (folder / "explain.sqlite").unlink()
    explainer = ExplainHost(journal, folder)
    assert [explainer.explain("order", number, None) for number in (order, buyer)] == expected
    assert explain(journal, Question("order", order, None, 20), folder) == expected[0]
    explainer.close()
    journal.close()
    follower = Follower()
    shutil.rmtree(archive.folder)
    for record in records_of(market)[: len(market.commands) - 2]:
        follower.follow(record)
    assert follower.last is not None
    SnapshotFolder(folder / "snapshots").save(follower.exchange, follower.last, {})
    journal = SqliteJournal(folder / "journal.sqlite", archive=ArchiveFolder(folder / "archive"))
    explainer = ExplainHost(journal, folder)
    try:
        for number in (order, 3):
            with pytest.raises(NotKept) as refusal:
                explainer.explain("command", number, None)
            assert refusal.value.first_seq == len(market.commands) - 1
        assert explainer.explain("command", buyer, None) == expected[1]
        with pytest.raises(NoExplanation, match="are not kept"):
            explain(journal, Question("order", order, None, 20), folder)
    finally:
        explainer.close()
        journal.close()


def test_a_running_process_of_which_the_journal_dropped_what_comes_next_says_where_explanations_begin(
    journal: SqliteJournal, explainer: ExplainHost
) -> None:
    market = Market()
    order = market.enter(CAT, "buy", 1, 100)
    append(journal, market.commands)
    assert explainer.explain("order", order, CAT)
    for _ in range(6):
        market.enter(CAT, "buy", 1, 90)
        append(journal, market.commands)
    last = journal.last
    assert last is not None
    journal.trim(last.n - 2)
    while journal.tend(idle=True):
        pass
    with pytest.raises(NotKept) as refusal:
        explainer.explain("order", order, CAT)
    assert refusal.value.first_seq == last.last_seq - 1


def test_damaged_records_are_said_to_who_asks_and_named_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    market = Market()
    order = market.enter(CAT, "sell", 5, 100)
    with closing(SqliteJournal(tmp_path / "journal.sqlite")) as journal:
        for count in range(1, len(market.commands) + 1):
            append(journal, market.commands[:count])
        with closing(ExplainHost(journal, tmp_path)) as explainer:
            explainer.explain("order", order, None)  # makes the index
        archive = ArchiveFolder(tmp_path / "archive")
        archive.write(journal.read())
        journal.trim(len(market.commands) - 2)
        while journal.tend(idle=True):
            pass
        segment = archive.folder / archive.segments[0].file
        segment.write_bytes(segment.read_bytes()[:-9])
        for index in tmp_path.glob("explain*.sqlite*"):
            index.write_bytes(b"")  # it is there, and of no use
        with closing(ExplainHost(journal, tmp_path)) as explainer:
            for _ in range(2):
                with pytest.raises(RecordsUnreadable):
                    explainer.explain("order", order, None)
    assert segment.name in caplog.text
    (tmp_path / "explain.sqlite").write_bytes(b"")
    assert main([str(tmp_path), "order", str(order)]) == 2
    assert segment.name in capsys.readouterr().err
