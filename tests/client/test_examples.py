"""The client's examples run to their end against a real server, and do what they say."""

from __future__ import annotations

import io
import json
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from openbell_client import Client
from tests.server import ROOT, RunningServer, environment
from tests.tidy.examples import DOCUMENTED_URL, examples

EXAMPLES = ROOT / "client" / "examples"
PATIENCE_S = 60


@pytest.fixture
def url(server: RunningServer) -> str:
    """The address of the server."""
    return server.url


RUNNING: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """An example whose test failed does not go on."""
    yield
    while RUNNING:
        RUNNING.pop().kill()


def started(name: str, url: str, *arguments: str) -> subprocess.Popen[str]:
    """An example, as a person starts it who has installed the client."""
    example = subprocess.Popen(
        [sys.executable, str(EXAMPLES / name), "--url", url, *arguments],
        env=environment({"PYTHONPATH": str(ROOT / "client" / "src")}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    RUNNING.append(example)
    return example


def ended(example: subprocess.Popen[str]) -> str:
    """What it printed, when it has ended well."""
    try:
        printed, _ = example.communicate(timeout=PATIENCE_S)
    finally:
        example.kill()
    assert example.returncode == 0, printed
    return printed


def test_maker_and_taker_trade_with_each_other_and_the_recorder_has_it_all(url: str, tmp_path: Path) -> None:
    maker = started("market_maker.py", url, "--fills", "3")
    recorder = started("recorder.py", url, "--trades", "3", "--folder", str(tmp_path))
    assert recorder.stdout is not None
    assert recorder.stdout.readline() == "Recording BTC-USDT.\n"
    with Client(url) as client, client.feed() as feed:
        book = feed.book("BTC-USDT")
        while not all(book.levels(1)):
            assert book.changed(PATIENCE_S, book.seq), ended(maker)
    taken = ended(started("taker.py", url, "--orders", "12", "--pause", "0.1"))
    assert int(re.findall(r"(\d+) orders traded", taken)[0]) > 0, taken
    printed = ended(maker)
    assert re.search(r"^3 fills; \d+ quotes cancelled", printed, re.MULTILINE), printed
    assert "3 trades and" in ended(recorder)
    with Client(url) as client:
        expected = [(trade.trade_id, trade.price, trade.quantity) for trade in client.all_trades("BTC-USDT")][::-1]
        bids, asks = client.book("BTC-USDT").bids, client.book("BTC-USDT").asks
    rows = [row for row in pq.read_table(tmp_path / "trades.parquet").to_pylist() if not row["gap"]]
    assert [(row["trade_id"], row["price"], row["quantity"]) for row in rows] == expected[:3]
    assert pq.read_table(tmp_path / "bbo.parquet").num_rows > 0
    assert (bids, asks) == ([], [])


def test_every_cell_of_the_notebook_runs(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBELL_URL", url)
    notebook = json.loads((EXAMPLES / "first_hour.ipynb").read_text(encoding="utf-8"))
    assert (notebook["nbformat"], {cell["cell_type"] for cell in notebook["cells"]}) == (4, {"code", "markdown"})
    names: dict[str, Any] = {}
    printed = io.StringIO()
    with redirect_stdout(printed):
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                assert cell["outputs"] == []
                exec(compile("".join(cell["source"]), cell["id"], "exec"), names)  # noqa: S102 - our own notebook
    assert names["event"].event_type == "amended"
    assert names["swept"].count == 1
    assert "BAD_TICK" in printed.getvalue()


@pytest.mark.parametrize(
    ("number", "lines"),
    [(0, ["resting 0", "29000.00 True"]), (1, []), (2, ["accepted new", "resting resting"])],
)
def test_the_documented_programs_run(url: str, number: int, lines: list[str]) -> None:
    code = examples("Documentation/client.md", "python")[number].replace(DOCUMENTED_URL, url)
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(code, "client.md", "exec"), {})  # noqa: S102 - our own documentation
    assert printed.getvalue().splitlines() == lines


@pytest.mark.parametrize("name", ["market_maker.py", "taker.py", "recorder.py"])
def test_an_example_says_how_it_is_used(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as ending:
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    assert (ending.value.code, "end by itself" in capsys.readouterr().out) == (0, True)
