"""One running venue for the tests of the feed that leave it as they found it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.feed.venue import Venue


@pytest.fixture(scope="session")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venue]:
    """A server with the default settings."""
    with Venue(tmp_path_factory.mktemp("feed") / "data") as running:
        yield running
