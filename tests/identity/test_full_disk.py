"""A full disk under the identity store: what cannot be written is refused at once, and it heals."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from identity import database, secrets
from identity.errors import IdentityAway
from identity.store import Identity

PAGES = 2**30


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Identity]:
    with closing(Identity(tmp_path / "identity.sqlite", secrets.ServerSecret(bytes(range(32))))) as store:
        yield store


def limit_pages(store: Identity, pages: int) -> None:
    """Let the file grow no further than so many pages, or it has already."""

    def limit(connection: Any, *_: object) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    event.listen(store._database._engine, "begin", limit)
    with suppress(IdentityAway):
        store.user_of(name="nobody")
    event.remove(store._database._engine, "begin", limit)


def create_guests(store: Identity, count: int) -> None:
    for _ in range(count):
        store.create_guest()


def test_on_a_full_disk_nobody_signs_up_who_is_there_signs_in_and_it_heals(
    store: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "AWAY_S", 0.0)
    ada = store.create_user("ada", "hash")
    limit_pages(store, 1)  # as many as there are
    began = time.monotonic()
    with pytest.raises(IdentityAway):
        create_guests(store, 2_000)
    with pytest.raises(IdentityAway):
        create_guests(store, 100)
    assert time.monotonic() - began < 60
    assert store.user_of(name="ada") == ada
    limit_pages(store, PAGES)
    assert store.create_guest().name.startswith("guest-")
