"""`python -m explain` explains from the journal's file what the server's routes explain."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.server import ROOT, Http, RunningServer


def explain(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program on a folder."""
    command = [sys.executable, "-m", "explain", str(data), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def as_routes_answer(explanation: Any) -> Any:
    """An explanation, but for how far the journal was read."""
    return {name: value for name, value in explanation.items() if name != "as_of_seq"}


@pytest.fixture
def trade(http: Http, symbol: str) -> dict[str, Any]:
    """A trade between two orders of account 1."""
    http.enter(symbol, "sell", "2", "100")
    (made,) = http.enter(symbol, "buy", "1", "101")["trades"]
    return dict(made)


def test_beside_a_running_server_it_answers_as_the_server_does(
    running_server: RunningServer, http: Http, symbol: str, trade: dict[str, Any]
) -> None:
    refused = http.post("/order", {"symbol": symbol, "side": "buy", "order_type": "stop", "quantity": "1"})
    seq = refused.refused(400, "UNSUPPORTED_COMBINATION")["details"]["seq"]
    for about, number in (("order", trade["taker_order_id"]), ("trade", trade["trade_id"]), ("command", str(seq))):
        files = sorted(running_server.data.glob("explain*"))  # from the second on with the server's index
        explanation = explain(running_server.data, about, number, "--json")
        assert (explanation.returncode, explanation.stderr) == (0, "")
        assert sorted(running_server.data.glob("explain*")) == files
        assert as_routes_answer(json.loads(explanation.stdout)) == as_routes_answer(
            http.get(f"/{about}/{number}/explain")
        )
    assert files
    assert http.get("/health")["accepting"] is True


def test_in_words_each_command_has_its_heading(running_server: RunningServer, trade: dict[str, Any]) -> None:
    order_id = trade["maker_order_id"]
    explanation = explain(running_server.data / "journal.sqlite", "order", order_id).stdout
    first, _, entered, *rest = explanation.splitlines()
    assert first.startswith(f"Order {order_id}, {trade['symbol']}, as of command ")
    assert entered == f"Order {order_id}: accepted"
    assert rest[0].startswith(f"  Command {order_id}, 20")
    assert rest[-1] == "In all: filled 1.000 at 100.00 on average, notional 100, fees 0.02."
    assert max(map(len, rest)) <= 100


def test_a_reader_that_wants_no_more_of_it_is_no_failure(running_server: RunningServer, trade: dict[str, Any]) -> None:
    command = [sys.executable, "-m", "explain", str(running_server.data), "trade", trade["trade_id"], "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.close()  # as `| head` does, long before there is anything to print
        _, said = process.communicate(timeout=120)
    assert (process.returncode, said) == (0, "")


def test_what_is_not_there_or_not_the_accounts_is_a_sentence_and_status_1(
    running_server: RunningServer, trade: dict[str, Any]
) -> None:
    for arguments in (("order", "999999999"), ("trade", trade["trade_id"], "--account", "4711")):
        explanation = explain(running_server.data, *arguments)
        assert (explanation.returncode, explanation.stdout) == (1, "")
        assert explanation.stderr.startswith(f"There is no {arguments[0]} {arguments[1]}")


def test_what_cannot_be_read_is_a_sentence_and_status_2(tmp_path: Path) -> None:
    missing = explain(tmp_path, "order", "1")
    assert (missing.returncode, missing.stderr) == (2, f"There is no journal at {tmp_path / 'journal.sqlite'}.\n")
    (tmp_path / "journal.sqlite").write_bytes(b"no database" * 1000)
    damaged = explain(tmp_path, "order", "1")
    assert (damaged.returncode, "Traceback" in damaged.stderr) == (2, False)
    assert str(tmp_path) in damaged.stderr
    assert explain(tmp_path, "order", "one").returncode == 2
