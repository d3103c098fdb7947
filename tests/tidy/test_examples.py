"""What the documentation shows works: its shell and Python examples run against a real server, as they are written."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tidy.sources import ROOT

DOCUMENTED_URL = "http://127.0.0.1:5000"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of our own."""
    data = tmp_path_factory.mktemp("examples")
    command = [sys.executable, "api/app.py", "--port", "0", "--data", str(data)]
    with (data / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        line = server.stdout.readline() if server.stdout else ""
        found = re.search(r"http://\S+", line)
        assert found, (data / "log").read_text()
        yield found.group()
    finally:
        server.terminate()
        server.wait(30)


def examples(page: str, language: str) -> list[str]:
    """The code blocks in `language` of one page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [code for found, code in BLOCK.findall(text) if found == language and DOCUMENTED_URL in code]


def shell(code: str, url: str) -> list[dict[str, object]]:
    """Run shell commands that answer in JSON; return the answers."""
    script = code.replace(DOCUMENTED_URL, url)
    output = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, check=True, timeout=60).stdout
    return [json.loads(line) for line in output.splitlines()]


def program(code: str, url: str, folder: Path) -> subprocess.Popen[str]:
    """Start a Python example."""
    path = folder / "example.py"
    path.write_text(code.replace(DOCUMENTED_URL, url), encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, "-u", str(path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


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


needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


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


@needs_curl
def test_the_orders_in_the_api_documentation_are_accepted(url: str) -> None:
    order, options, test, batch = examples("Documentation/api.md", "sh")
    (entered,) = shell(order, url)
    assert entered["status"] == "resting"
    iceberg, stop, pair, bracket = shell(options, url)
    assert (iceberg["display_quantity"], iceberg["status"]) == ("0.10000000", "resting")
    assert (stop["status"], stop["expire_time"]) == ("pending_trigger", "4102444800")
    assert (pair["status"], pair["legs"][0]["status"]) == ("resting", "pending_trigger")
    assert (bracket["take_profit"], bracket["stop_loss"]) == ("31000.00", "27500.00")
    (tested,) = shell(test, url)
    assert (tested["accepted"], tested["average_price"]) == (True, "29000.00")
    (answered,) = shell(batch, url)
    assert [result["status"] for result in answered["results"]] == [200, 200]


@needs_curl
def test_the_program_of_the_readme_hears_trades(url: str, tmp_path: Path) -> None:
    (code,) = examples("README.md", "python")
    printed = printed_while_trading(url, program(code, url, tmp_path))
    assert "BTC-USDT 30000.00 0.10000000 buy" in printed


@needs_curl
def test_the_program_of_the_feed_documentation_follows_the_book(url: str, tmp_path: Path) -> None:
    (code,) = examples("Documentation/feed.md", "python")
    for level in range(12):  # more than the checksum is over
        enter(url, "buy", f"29{900 - level}.00")
        enter(url, "sell", f"30{100 + level}.00")
    lines = printed_while_trading(url, program(code, url, tmp_path)).splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["snapshot", "delta"]
    assert [line for line in lines if not line.endswith("True")] == []
