"""One server of each profile, with everybody at it, for all tests that need just any."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.access.cast import Cast, with_operator
from tests.api.clients import START_GRACE_S


def _cast(tmp_path_factory: pytest.TempPathFactory, profile: str) -> Iterator[Cast]:
    data = tmp_path_factory.mktemp(profile) / "data"
    with with_operator(data, "--profile", profile, "--own-faults") as server:
        time.sleep(START_GRACE_S)
        yield Cast(server)


@pytest.fixture(scope="session")
def secured_cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    """At a server that asks for credentials."""
    yield from _cast(tmp_path_factory, "secured")


@pytest.fixture(scope="session")
def sandbox_cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    """At a server that takes whoever shows none for the built-in account."""
    yield from _cast(tmp_path_factory, "sandbox")


@pytest.fixture(params=["secured", "sandbox"])
def cast(request: pytest.FixtureRequest) -> Cast:
    """At each of them."""
    found: Cast = request.getfixturevalue(f"{request.param}_cast")
    return found
