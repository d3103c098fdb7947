"""What the documentation shows works: its shell and Python examples run against a real server, as they are written."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import RunningServer
from tests.tidy.examples import BLOCK, examples, needs_curl, program, shell
from tests.tidy.sources import ROOT


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of our own."""
    with RunningServer(tmp_path_factory.mktemp("examples") / "data") as server:
        yield server.url


def enter(url: str, side: str, price: str) -> None:
    """Enter one limit order."""
    order = {"symbol": "BTC-USDT", "side": side, "order_type": "limit", "quantity": "0.1", "price": price}
    command = ["curl", "-s", "--fail", "-d", json.dumps(order), f"{url}/order"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def printed_while_trading(url: str, example: subprocess.Popen[str]) -> str:
    """Let orders meet until the example has ended; return what it printed."""
    while example.poll() is None:
        enter(url, "sell", "30000.00")
        enter(url, "buy", "30000.00")
    printed, _ = example.communicate(timeout=60)
    assert example.returncode == 0, printed
    return printed


def bare_pythons(text: str) -> list[str]:
    """Commands of a page, in blocks and in sentences, that need an environment which `make` never activates."""
    commands = [line for language, code in BLOCK.findall(text) if language == "sh" for line in code.splitlines()]
    commands += re.findall(r"`([^`\n]+)`", BLOCK.sub("", text))
    return [command for command in commands if re.search(r"(?<![\w./-])python3?\s+(?:-m|\S+\.py)", command)]


def test_every_command_of_the_documentation_runs_outside_an_activated_environment() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "Documentation").rglob("*.md"))]
    found = {page.name: bare for page in pages if (bare := bare_pythons(page.read_text(encoding="utf-8")))}
    assert found == {}


@pytest.mark.parametrize(
    "text",
    ["```sh\npython -m x data\n```\n", "Say `python api/app.py --help`.", "```sh\ncd x && python3 -m y\n```\n"],
)
def test_a_bare_python_is_seen(text: str) -> None:
    assert len(bare_pythons(text)) == 1


@pytest.mark.parametrize("text", ["```sh\n.venv/bin/python -m x data\n```\n", "Use `.venv/bin/python api/app.py`."])
def test_the_environments_python_is_not_taken_for_a_bare_one(text: str) -> None:
    assert bare_pythons(text) == []


@pytest.mark.slow
@needs_curl
def test_the_tour_of_the_readme_goes_as_it_is_told(url: str) -> None:
    (tour,) = examples("README.md", "sh")[-1:]
    symbols, entered, book, bought, trades, orders, trailing, cancelled = shell(tour, url)
    assert "BTC-USDT" in symbols["symbols"]
    assert (entered["status"], bought["status"], cancelled["success"]) == ("resting", "filled", True)
    assert (book["asks"], book["ask_orders"]) == ([["30500.00", "0.50000000"]], [1])
    assert trades["trades"] == bought["trades"]
    assert [order["client_order_id"] for order in orders["orders"]] == ["tour-1"]
    assert (trailing["status"], trailing["stop_price"]) == ("pending_trigger", "29890.00")


@pytest.mark.slow
@needs_curl
def test_the_orders_in_the_api_documentation_are_accepted(url: str) -> None:
    order, options, test, batch = examples("Documentation/api.md", "sh")
    (entered,) = shell(order, url)
    assert entered["status"] == "resting"
    iceberg, stop, profit, pair, bracket = shell(options, url)
    assert (iceberg["display_quantity"], iceberg["status"]) == ("0.10000000", "resting")
    assert (stop["status"], stop["expire_time"]) == ("pending_trigger", "4102444800")
    assert (profit["status"], profit["stop_price"]) == ("pending_trigger", "32000.00")
    assert (pair["status"], pair["legs"][0]["status"]) == ("resting", "pending_trigger")
    assert (bracket["take_profit"], bracket["stop_loss"]) == ("31000.00", "27500.00")
    (tested,) = shell(test, url)
    assert (tested["accepted"], tested["average_price"]) == (True, "29000.00")
    (answered,) = shell(batch, url)
    assert [result["status"] for result in answered["results"]] == [200, 200]


@pytest.mark.slow
@needs_curl
def test_the_program_of_the_readme_hears_trades(url: str, tmp_path: Path) -> None:
    (code,) = examples("README.md", "python")
    printed = printed_while_trading(url, program(code, url, tmp_path))
    assert "BTC-USDT 30000.00 0.10000000 buy" in printed


@pytest.mark.slow
@needs_curl
def test_the_program_of_the_feed_documentation_follows_the_book(url: str, tmp_path: Path) -> None:
    (code,) = examples("Documentation/feed.md", "python")
    for level in range(12):  # more than the checksum is over
        enter(url, "buy", f"29{900 - level}.00")
        enter(url, "sell", f"30{100 + level}.00")
    lines = printed_while_trading(url, program(code, url, tmp_path)).splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["snapshot", "delta"]
    assert [line for line in lines if not line.endswith("True")] == []
