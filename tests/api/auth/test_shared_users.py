"""Two servers on one database of users: who signs in at one is known at the other, until they sign out at either."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from identity.database import AWAY_S
from identity.errors import IdentityAway
from identity.secrets import ServerSecret
from identity.store import Identity
from identity.users import User
from tests import postgres
from tests.server import Http, RunningServer, eventually

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(postgres.absent() is not None, reason=str(postgres.absent())),
]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Http, Http]]:
    """Two servers with nothing in common but their users and the secret that signs tokens."""
    folder = tmp_path_factory.mktemp("shared")
    with postgres.running() as url:
        options = ("--identity-url", url, "--secret-file", str(folder / "secret.key"))
        with RunningServer(folder / "a", *options) as one, RunningServer(folder / "b", *options) as other:
            yield one.http, other.http


def bearer(token: str) -> dict[str, str]:
    """The header that shows it."""
    return {"Authorization": f"Bearer {token}"}


def test_a_session_of_one_server_is_good_at_the_other_at_once(both: tuple[Http, Http]) -> None:
    here, there = both
    signed = here.call("POST", "/auth/guest", {}).json
    assert there.call("GET", "/auth/user", None, bearer(signed["token"])).granted()["account"] == str(signed["account"])


def test_a_session_that_is_ended_at_one_server_is_soon_over_at_the_other(both: tuple[Http, Http]) -> None:
    here, there = both
    shown = bearer(here.call("POST", "/auth/guest", {}).json["token"])
    there.call("GET", "/auth/sessions", None, shown).granted()
    assert there.call("POST", "/auth/logout", {}, shown).status == 200
    eventually(lambda: here.call("GET", "/auth/sessions", None, shown).status == 401)
    assert here.call("GET", "/auth/sessions", None, shown).error()["error_code"] == "SESSION_ENDED"


def test_a_key_that_is_made_at_one_server_is_soon_good_at_the_other_until_it_is_revoked(
    both: tuple[Http, Http],
) -> None:
    here, there = both
    shown = bearer(here.call("POST", "/auth/guest", {}).json["token"])
    key = here.call("POST", "/auth/keys", {"label": "bot", "scopes": ["read"]}, shown).json["key_id"]

    def code() -> str:
        signed = {"X-Openbell-Key": key, "X-Openbell-Timestamp": "1", "X-Openbell-Signature": "0" * 64}
        return there.call("GET", "/account", None, signed).error()["error_code"]

    unknown = code()
    eventually(lambda: code() != unknown)
    assert here.call("DELETE", f"/auth/keys/{key}", None, shown).status == 200
    eventually(lambda: code() == unknown)


def test_stores_that_are_opened_at_once_make_one_schema_and_no_account_twice() -> None:
    secret = ServerSecret(bytes(range(32)))
    with postgres.running() as url, ThreadPoolExecutor(3) as threads:
        stores = list(threads.map(lambda _: Identity(url, secret), range(3)))
        users = list(threads.map(lambda number: guest_of(stores[number % 3]), range(12)))
        for store in stores:
            store.close()
    assert len({user.account for user in users}) == 12


def guest_of(store: Identity) -> User:
    """A new guest; on a busy machine one may wait longer for the others than a statement may take."""
    for _ in range(20):
        try:
            return store.create_guest()
        except IdentityAway:
            time.sleep(AWAY_S)
    raise AssertionError("no guest was made")
