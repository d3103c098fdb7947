"""The simulated flow and the launcher against a real server."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from openbell_client import Client, Unavailable
from openbell_client.answers import BookView, HealthView
from tests.programs import run, tool
from tests.server import ROOT, RunningServer
from tools.flow import PREFIX
from tools.measure import Summary

PATIENCE_S = 40


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with RunningServer(tmp_path_factory.mktemp("flow") / "data") as server:
        yield server.url


def health(url: str) -> HealthView:
    with Client(url, retry_for_s=0) as client:
        return client.health()


def book(url: str, symbol: str) -> BookView:
    with Client(url, retry_for_s=0) as client:
        return client.book(symbol, "all")


def open_ids(url: str, symbol: str) -> set[str]:
    """The flow's open orders."""
    with Client(url, retry_for_s=0) as client:
        orders = client.all_orders(symbol=symbol, status="open", limit=500)
        return {order.order_id for order in orders if (order.client_order_id or "").startswith(PREFIX)}


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether it comes true within the patience."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            if holds():
                return True
        except Unavailable:
            pass
        time.sleep(0.2)
    return False


def test_the_flow_makes_a_two_sided_book_is_labelled_and_leaves_nothing_behind(url: str) -> None:
    flow = subprocess.Popen(
        tool("-m", "tools.flow", "--url", url, "--rate", "100", "--symbols", "BTC-USDT,AAPL-USD", "--format", "json"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert eventually(lambda: health(url).flows == ["simulated"])
        assert eventually(lambda: min(len(book(url, "BTC-USDT").bids), len(book(url, "BTC-USDT").asks)) >= 20)
        assert eventually(lambda: min(len(book(url, "AAPL-USD").bids), len(book(url, "AAPL-USD").asks)) >= 10)
        time.sleep(1)
        flow.send_signal(signal.SIGINT)
        printed, _ = flow.communicate(timeout=PATIENCE_S)
    finally:
        flow.kill()
    assert flow.returncode == 0
    summary = msgspec.json.decode(printed, type=Summary)
    assert summary.counts["orders"] > 50
    assert summary.latency["limit"].p50_ms > 0
    assert open_ids(url, "BTC-USDT") | open_ids(url, "AAPL-USD") == set()
    assert eventually(lambda: health(url).flows == [])


def test_a_flow_that_was_killed_is_cleaned_up_by_the_next(url: str) -> None:
    command = tool("-m", "tools.flow", "--url", url, "--rate", "200", "--symbols", "SOL-USDT")
    killed = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert eventually(lambda: len(open_ids(url, "SOL-USDT")) > 20)
    killed.kill()
    killed.wait()
    before = open_ids(url, "SOL-USDT")
    command[command.index("200")] = "1"
    following = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert eventually(lambda: not before & open_ids(url, "SOL-USDT"))
        assert following.poll() is None  # at its start, not at its end
    finally:
        following.send_signal(signal.SIGTERM)
        assert following.wait(PATIENCE_S) == 0


def test_a_symbol_without_a_known_price_is_asked_for(url: str) -> None:
    ended = run("-m", "tools.flow", "--url", url, "--symbols", "NO-SUCH", "--duration", "1")
    assert ended.returncode == 1
    assert "does not list NO-SUCH" in ended.stderr


def test_the_flow_goes_on_after_the_server_was_killed_and_says_so_once(tmp_path: Path) -> None:
    server = RunningServer(tmp_path / "data")
    server.start()
    url = server.url
    flow = subprocess.Popen(
        tool("-m", "tools.flow", "--url", url, "--rate", "100", "--format", "plain"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert eventually(lambda: health(url).seq > 50)
        server.kill()
        time.sleep(1)
        server.start(server.port)
        back_at = health(url).seq
        assert eventually(lambda: health(url).seq > back_at + 50)
        assert eventually(lambda: health(url).flows == ["simulated"])
        flow.send_signal(signal.SIGTERM)
        printed, said = flow.communicate(timeout=PATIENCE_S)
    finally:
        flow.kill()
        server.stop()
    assert flow.returncode == 0
    assert said.count("The server is away") == said.count("The server is back") == 1
    assert "orders" in printed


def launched(folder: Path, *options: str, stdout: int, stderr: int) -> subprocess.Popen[str]:
    """The launcher, with its data below `folder`, on a port that it chooses."""
    words = tool("-m", "tools.launch", "--port", "0", "--data", str(folder / "data"), *options)
    return subprocess.Popen(words, cwd=ROOT, stdout=stdout, stderr=stderr, text=True)


def test_the_launcher_starts_both_and_one_signal_ends_both(tmp_path: Path) -> None:
    launch = launched(tmp_path, "--host", "127.0.0.1", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert launch.stdout is not None
        url = launch.stdout.readline().split("http://")[1].split()[0]
        assert eventually(lambda: health(f"http://{url}").flows == ["simulated"])
        children = psutil.Process(launch.pid).children(recursive=True)
        assert len(children) == 3  # the server, its historian, the traders
        launch.send_signal(signal.SIGINT)
        printed, _ = launch.communicate(timeout=PATIENCE_S)
    finally:
        launch.kill()
    assert launch.returncode == 0
    assert not any(child.is_running() for child in children)
    assert f"make serve PORT={int(url.split(':')[1].strip('/')) + 1} DATA=" in printed
    assert "simulated flow" in printed


def test_the_launcher_says_why_the_traders_wait_for_a_server_that_they_do_not_trust(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    cert, key = map(str, certificate)
    options = ("--tls-cert", cert, "--tls-key", key)
    launch = launched(tmp_path, *options, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        assert launch.stderr is not None
        said = next(line for line in launch.stderr if "traders wait" in line)
        assert "certificate verify failed" in said
        launch.send_signal(signal.SIGINT)
        launch.communicate(timeout=PATIENCE_S)
    finally:
        launch.kill()
    assert launch.returncode == 0


def test_the_launcher_on_a_port_that_is_taken_says_which_to_take_and_trades_nowhere(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ended = run("-m", "tools.launch", "--port", str(port), "--data", str(tmp_path / "data"))
    assert ended.returncode == 1
    assert f"PORT={port + 1}" in ended.stderr
    assert "traders" not in ended.stdout
    assert not (tmp_path / "data").exists()


def test_the_launcher_ends_with_the_status_of_a_server_that_cannot_start(tmp_path: Path) -> None:
    ended = run("-m", "tools.launch", "--port", "0", "--data", str(tmp_path / "data"), "--no-such-option")
    assert ended.returncode == 2
    assert "no-such-option" in ended.stderr


def test_the_launcher_ends_when_the_server_dies_and_says_with_what(tmp_path: Path) -> None:
    launch = subprocess.Popen(
        tool("-m", "tools.launch", "--host", "127.0.0.1", "--port", "0", "--data", str(tmp_path / "data")),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert launch.stdout is not None
        url = launch.stdout.readline().split("http://")[1].split()[0]
        assert eventually(lambda: health(f"http://{url}").flows == ["simulated"])
        children = psutil.Process(launch.pid).children()
        next(child for child in children if "api/app.py" in " ".join(child.cmdline())).kill()
        _, said = launch.communicate(timeout=PATIENCE_S)
    finally:
        launch.kill()
    assert launch.returncode == 128 + signal.SIGKILL
    assert "The server ended with status 137" in said
    assert not any(child.is_running() for child in children)
