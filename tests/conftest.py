"""One real server for all tests that need just any, with many symbols, so that each test trades alone."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from listings.instruments_file import DEFAULT_INSTRUMENTS
from tests.api.clients import START_GRACE_S
from tests.server import Http, RunningServer, self_signed

PLAIN = """
[[instrument]]
symbol = "{symbol}"
base = "COIN"
quote = "CASH"
tick_size = "0.01"
lot_size = "0.001"
quote_scale = 10
max_quantity = "1000000"
max_notional = "1000000000"
maker_fee_bps = "2"
taker_fee_bps = "5"
"""
STRICT = """
[[instrument]]
symbol = "STRICT"
base = "METAL"
quote = "MONEY"
tick_size = "0.05"
lot_size = "0.1"
quote_scale = 10
min_quantity = "1"
max_quantity = "10"
min_notional = "80"
max_notional = "900"
collar_percent = "10"
reference_price = "100"
max_open_orders = 3
"""
PLAIN_SYMBOLS = 400

# How long an example takes is the machine's business: on a busy one the 200 ms that Hypothesis allows are soon over.
# What fails says how that example is run again.
settings.register_profile("openbell", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("openbell")

_numbers = count()

# files of minutes, which no worker begins last: the longest first
LONGEST = (
    "faults/test_soak.py",
    "browser/test_rolling_restart.py",
    "faults/test_real_faults.py",
    "http/test_schema.py",
    "durability/test_kill.py",
    "durability/test_start_and_stop.py",
    "durability/test_snapshots.py",
    "sim/test_statistics.py",
    "browser/test_accessibility.py",
    "durability/test_clock_jump.py",
    "sim/test_mutants.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the longest files begun first, then those with the most tests: a file is one worker's, and others wait."""
    tests = Counter(item.path for item in items)
    place = {name: number for number, name in enumerate(LONGEST)}

    def turn(item: pytest.Item) -> tuple[int, int]:
        name = f"{item.path.parent.name}/{item.path.name}"
        return place.get(name, len(LONGEST)), -tests[item.path]

    items.sort(key=turn)


@pytest.fixture(scope="session")
def instruments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the default instruments, a strict one, and many plain ones."""
    path = tmp_path_factory.mktemp("instruments") / "instruments.toml"
    plain = "".join(PLAIN.format(symbol=f"T{number:03}") for number in range(PLAIN_SYMBOLS))
    path.write_text(DEFAULT_INSTRUMENTS.read_text(encoding="utf-8") + STRICT + plain, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def running_server(tmp_path_factory: pytest.TempPathFactory, instruments: Path) -> Iterator[RunningServer]:
    """A server that is shared: trade in a `symbol` of your own, and do not stop it."""
    data = tmp_path_factory.mktemp("shared") / "data"
    with RunningServer(data, "--instruments", str(instruments)) as server:
        yield server


@pytest.fixture
def http(running_server: RunningServer) -> Iterator[Http]:
    """A connection of one's own to the shared server."""
    client = Http(running_server.url)
    yield client
    client.close()


@pytest.fixture
def symbol() -> str:
    """A symbol of the shared server in which nobody else trades."""
    return f"T{next(_numbers) % PLAIN_SYMBOLS:03}"


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that asks for credentials."""
    data = tmp_path_factory.mktemp("secured") / "data"
    with RunningServer(data, "--profile", "secured", "--login-rate", "off") as server:
        time.sleep(START_GRACE_S)
        yield server


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for loopback, signed by itself, and its key."""
    return self_signed(tmp_path)
