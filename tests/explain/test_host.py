"""The server's side of explanations: questions are bounded, and a journal that grows meanwhile is no trouble."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import eventlet
import msgspec
import pytest

from engine.commands import Command
from engine.types import OrderId
from explain import host as explain_host
from explain.host import ExplainerBusy, ExplainerFailed, ExplainHost, NotExplained, NothingToExplain
from journal.codec import GENESIS, BatchRecord, seal
from journal.sqlite import SqliteJournal
from tests.explain.market import ANN, BEN, CAT, Market


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    journal = SqliteJournal(tmp_path / "journal.sqlite")
    yield journal
    journal.close()


@pytest.fixture
def explainer(journal: SqliteJournal) -> Iterator[ExplainHost]:
    explainer = ExplainHost(journal)
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
