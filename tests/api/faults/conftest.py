"""One venue for all tests of faults: secured, with an operator, in which accounts may have faults for themselves."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from audit.__main__ import CLEAN
from audit.__main__ import main as audit
from tests.access.cast import Person, operator, with_operator
from tests.api.clients import START_GRACE_S
from tests.server import RunningServer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """The venue. Whatever was done to it, its journal is clean at the end."""
    data = tmp_path_factory.mktemp("faulty") / "data"
    with with_operator(data, "--profile", "secured", "--own-faults") as running:
        time.sleep(START_GRACE_S)
        yield running
        running.stop()
        assert audit([str(data), "--quiet"]) == CLEAN


@pytest.fixture(scope="session")
def boss(server: RunningServer) -> Person:
    """The operator."""
    return operator(server.http)
