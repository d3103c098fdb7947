"""One server for the tests of the client: each file trades in symbols of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.access.cast import with_operator
from tests.api.clients import START_GRACE_S
from tests.server import RunningServer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that asks for credentials, with an operator. The examples alone trade in BTC-USDT."""
    with with_operator(tmp_path_factory.mktemp("client") / "data", "--profile", "secured") as server:
        time.sleep(START_GRACE_S)
        yield server
