"""The history is rebuilt from the journal by one command."""

from __future__ import annotations

import logging
import re
from contextlib import closing
from pathlib import Path

import pytest

from api import replaying
from api.bootstrap import rebuild_history
from journal.sqlite import SqliteJournal
from tests.journal.commands import fill, flow, sealed
from tests.programs import rebuild
from tests.server import RunningServer

SYMBOL = "BTC-USDT"


def test_a_damaged_history_is_built_anew_and_answers_as_before(tmp_path: Path) -> None:
    data = tmp_path / "data"
    order = {"symbol": SYMBOL, "order_type": "limit", "quantity": "1", "price": "30000.00"}
    with RunningServer(data) as server:
        sold = server.http.post("/order", order | {"side": "sell"}).granted()["order_id"]
        server.http.post("/order", order | {"side": "buy"}).granted()
        before = {path: server.http.get(path) for path in (f"/order/{sold}", "/account/ledger")}
        digest = server.http.get("/health?digest=true")["digest"]
        refused = rebuild(data)
        assert (refused.returncode, "Traceback" in refused.stderr) == (1, False)
    (data / "history.sqlite").write_bytes(b"no database")
    done = rebuild(data)
    assert done.returncode == 0, done.stderr
    assert re.search(rf"anew up to seq \d+: \d+ commands .* digest {digest}", done.stdout)
    with RunningServer(data) as server:
        for path, answer in before.items():
            again = server.http.get(path)
            assert {**again, "seq": None} == {**answer, "seq": None}


def test_a_folder_without_a_journal_is_a_sentence(tmp_path: Path) -> None:
    answer = rebuild(tmp_path)
    assert answer.returncode == 1
    assert "there is no journal" in answer.stderr


def test_a_long_replay_says_now_and_then_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(SqliteJournal(tmp_path / "journal.sqlite")) as journal:
        fill(journal, list(sealed(flow(3, 2000), 50)))
    caplog.set_level(logging.INFO)
    rebuild_history(tmp_path)
    assert caplog.messages == []
    monkeypatch.setattr(replaying, "PROGRESS_S", 0.0)
    rebuild_history(tmp_path)
    assert caplog.messages[0] == "replaying the journal: at command 500 of 2000"
