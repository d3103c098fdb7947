"""The identity store, the same on SQLite and on a real PostgreSQL server."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from click.testing import CliRunner
from sqlalchemy import Connection, inspect, text

from identity import operators, passwords, secrets
from identity.database import migrate, open_database
from identity.errors import BadRefreshToken, IdentityError, NameTaken, RefreshTokenReused, TooManyKeys
from identity.queries import ACCOUNTS_END, FIRST_ACCOUNT
from identity.refresh_tokens import REFRESH_GRACE_NS
from identity.schema import METADATA
from identity.store import HOUR_NS, KEYS_MAX, Identity
from identity.upgrading import upgrade
from identity.users import COMMAND_LINE, Role, Scope
from tests import postgres

_numbers = count()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a PostgreSQL server of our own."""
    if why := postgres.absent():
        pytest.skip(why)
    with postgres.running() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/identity.sqlite"
    else:
        with postgres.database(request.getfixturevalue("postgres_url"), f"identity{next(_numbers)}") as url:
            yield url


class Clock:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000 * 10**9

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def secret() -> secrets.ServerSecret:
    return secrets.ServerSecret(bytes(range(32)))


@pytest.fixture
def identity(url: str, secret: secrets.ServerSecret, clock: Clock) -> Iterator[Identity]:
    store = Identity(url, secret, clock=clock)
    yield store
    store.close()


def test_the_migrations_make_what_the_tables_say_and_the_rows_of_a_new_store(url: str) -> None:
    engine = open_database(url)
    with engine.begin() as connection:
        made = everything(connection)
        METADATA.drop_all(connection)
        upgrade(connection)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
        assert everything(connection) == made
    engine.dispose()


def everything(connection: Connection) -> dict[str, Any]:
    """The columns, keys, indexes and rows of a store, by table."""
    inspector = inspect(connection)
    return {
        table.name: (
            {
                column["name"]: (str(column["type"]), column["nullable"], column["default"])
                for column in inspector.get_columns(table.name)
            },
            inspector.get_pk_constraint(table.name)["constrained_columns"],
            [key["constrained_columns"] for key in inspector.get_foreign_keys(table.name)],
            {(index["name"], *index["column_names"]) for index in inspector.get_indexes(table.name)},
            [constraint["column_names"] for constraint in inspector.get_unique_constraints(table.name)],
            [tuple(row) for row in connection.execute(table.select())],
        )
        for table in METADATA.sorted_tables
    }


def test_a_difference_between_migrations_and_tables_is_seen(url: str) -> None:
    engine = open_database(url)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE users ADD COLUMN shoe_size INTEGER"))
    with engine.connect() as connection:
        assert len(compare_metadata(MigrationContext.configure(connection), METADATA)) == 1
    engine.dispose()


def test_the_log_says_that_a_store_is_made_or_upgraded_and_nothing_of_one_that_is_as_it_should_be(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "identity")
    for _ in range(2):
        open_database(tmp_path / "identity.sqlite").dispose()
    assert [record.getMessage() for record in caplog.records if record.name == "identity.database"] == [
        "the identity store is made, its schema of version 0004"
    ]


def test_migrating_again_changes_nothing(url: str) -> None:
    engine = open_database(url)
    migrate(engine)
    engine.dispose()


def test_each_user_has_an_account_of_their_own(identity: Identity) -> None:
    users = [identity.create_user("ada", "h"), identity.create_guest(), identity.create_user("Bob_2", "h")]
    assert [user.account for user in users] == [FIRST_ACCOUNT, FIRST_ACCOUNT + 1, FIRST_ACCOUNT + 2]
    assert [user.guest for user in users] == [False, True, False]
    assert {user.role for user in users} == {Role.TRADER}


def test_new_accounts_skip_those_that_the_exchange_knows_and_jump_over_no_others(identity: Identity) -> None:
    assert not identity.exchange_seen
    taken = [0, 1, FIRST_ACCOUNT, FIRST_ACCOUNT + 2, 5000, 2**62, 2**63 - 1]
    identity.reserve(taken)
    identity.reserve(taken)  # as every start does
    assert identity.exchange_seen
    given = [identity.create_guest().account for _ in range(3)]
    assert given == [FIRST_ACCOUNT + 1, FIRST_ACCOUNT + 3, FIRST_ACCOUNT + 4]


def test_a_user_whose_account_is_beyond_reach_draws_no_others_after_it(identity: Identity) -> None:
    poisoned = identity.create_guest()
    with identity._database.begin() as connection:
        connection.execute(text("UPDATE users SET account = :account"), {"account": 2**62 + 1})
    assert identity.create_guest().account == FIRST_ACCOUNT
    assert identity.user_of(account=2**62 + 1) == msgspec.structs.replace(poisoned, account=2**62 + 1)
    assert ACCOUNTS_END < 2**62


def test_an_account_that_a_user_has_is_theirs_though_the_exchange_knows_it(identity: Identity) -> None:
    ada = identity.create_user("ada", "h")
    identity.reserve([ada.account, ada.account + 1])
    assert identity.create_guest().account == ada.account + 2
    assert identity.user_of(account=ada.account) == ada
    assert identity.user_of(account=ada.account + 1) is None


def test_users_are_listed_by_name_and_found_by_its_beginning(identity: Identity) -> None:
    for name in ("Bob", "ada", "adam", "a_b", "axb"):
        identity.create_user(name, "h")
    assert [user.name for user in identity.users()] == ["a_b", "ada", "adam", "axb", "Bob"]
    assert [user.name for user in identity.users("AD")] == ["ada", "adam"]
    assert [user.name for user in identity.users("a_")] == ["a_b"]  # no wildcard
    assert [user.name for user in identity.users(after="Ada", limit=2)] == ["adam", "axb"]


def test_names_that_differ_by_case_are_one(identity: Identity) -> None:
    ada = identity.create_user("Ada", "hash")
    with pytest.raises(NameTaken):
        identity.create_user("aDA", "other")
    assert identity.login_of("ADA") == (ada, "hash")
    assert identity.login_of("adam") is None


def test_of_many_who_want_a_name_at_once_one_gets_it(identity: Identity) -> None:
    def wish(_: int) -> bool:
        try:
            identity.create_user("ada", "h")
        except NameTaken:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(wish, range(16))) == 1


def test_what_was_done_is_there_after_reopening(url: str, secret: secrets.ServerSecret) -> None:
    first = Identity(url, secret)
    ada = first.create_user("ada", "h")
    session, token = first.open_session(ada)
    key, key_secret = first.create_key(ada, "bot", [Scope.READ, Scope.TRADE], ["10.0.0.0/8"])
    first.close()
    second = Identity(url, secret)
    assert second.live_sessions() == [session]
    assert second.live_keys() == [(key, key_secret)]
    assert second.refresh(token)[0].session_id == session.session_id
    second.close()


def test_a_refresh_token_is_good_once_and_prolongs(identity: Identity, clock: Clock) -> None:
    session, token = identity.open_session(identity.create_guest())
    for _ in range(3):
        clock.now += 11 * HOUR_NS
        session, following = identity.refresh(token)
        assert session.expires_ns == clock.now + 12 * HOUR_NS
        assert following != token
        token = following


def test_a_refresh_whose_answer_was_lost_gives_the_same_token_again(identity: Identity, clock: Clock) -> None:
    _, old = identity.open_session(identity.create_guest())
    session, new = identity.refresh(old)
    clock.now += REFRESH_GRACE_NS
    again, same = identity.refresh(old)
    assert (again.session_id, same) == (session.session_id, new)
    assert identity.refresh(new)[1] not in (old, new)


def test_a_refresh_token_before_the_last_one_ends_the_session_at_once(identity: Identity) -> None:
    _, first = identity.open_session(identity.create_guest())
    _, second = identity.refresh(first)
    _, third = identity.refresh(second)
    with pytest.raises(RefreshTokenReused):
        identity.refresh(first)
    with pytest.raises(BadRefreshToken):
        identity.refresh(third)


def test_a_refresh_token_used_long_after_it_was_used_ends_the_session(identity: Identity, clock: Clock) -> None:
    session, old = identity.open_session(identity.create_guest())
    _, new = identity.refresh(old)
    clock.now += REFRESH_GRACE_NS + 1
    with pytest.raises(RefreshTokenReused) as reused:
        identity.refresh(old)
    assert reused.value.session_id == session.session_id
    with pytest.raises(BadRefreshToken):
        identity.refresh(new)
    assert identity.live_sessions() == []


def test_all_who_use_a_refresh_token_at_once_get_the_same_next_one(identity: Identity) -> None:
    session, token = identity.open_session(identity.create_guest())
    with ThreadPoolExecutor(8) as threads:
        following = set(threads.map(lambda _: identity.refresh(token)[1], range(8)))
    assert len(following) == 1
    assert [live.session_id for live in identity.live_sessions()] == [session.session_id]


def test_a_forged_refresh_token_ends_nobodys_session(identity: Identity) -> None:
    session, token = identity.open_session(identity.create_guest())
    for forged in ("", "..", "é.é.é", f"{session.session_id}.x.{'0' * 64}", token[:-1], token + "0", token.upper()):
        with pytest.raises(BadRefreshToken):
            identity.refresh(forged)
    assert identity.live_sessions() == [session]


def test_a_session_is_over_when_its_time_is(identity: Identity, clock: Clock) -> None:
    session, token = identity.open_session(identity.create_guest())
    clock.now = session.expires_ns - 1
    assert identity.live_sessions() == [session]
    clock.now += 1
    assert identity.live_sessions() == []
    with pytest.raises(BadRefreshToken):
        identity.refresh(token)


def test_only_its_user_ends_a_session(identity: Identity) -> None:
    ada, eve = identity.create_user("ada", "h"), identity.create_user("eve", "h")
    session, token = identity.open_session(ada)
    assert identity.revoke_session(session.session_id, eve.user_id, "revoked") is False
    assert identity.sessions_of(ada.user_id) == [session]
    assert identity.sessions_of(eve.user_id) == []
    assert identity.revoke_session(session.session_id, ada.user_id, "revoked") is True
    assert identity.revoke_session(session.session_id, ada.user_id, "revoked") is False
    with pytest.raises(BadRefreshToken):
        identity.refresh(token)


def test_only_its_user_ends_a_key(identity: Identity) -> None:
    ada, eve = identity.create_user("ada", "h"), identity.create_user("eve", "h")
    key, _ = identity.create_key(ada, "bot", [Scope.TRADE], [])
    assert identity.revoke_key(key.key_id, eve) is False
    assert identity.keys_of(ada.user_id) == [key]
    assert identity.revoke_key(key.key_id, ada) is True
    assert identity.revoke_key(key.key_id, ada) is False
    assert identity.live_keys() == []


def test_a_user_has_a_bounded_number_of_keys(identity: Identity) -> None:
    ada = identity.create_user("ada", "h")
    keys = [identity.create_key(ada, "", [Scope.READ], [])[0] for _ in range(KEYS_MAX)]
    with pytest.raises(TooManyKeys):
        identity.create_key(ada, "", [Scope.READ], [])
    identity.revoke_key(keys[0].key_id, ada)
    identity.create_key(ada, "", [Scope.READ], [])


def test_under_another_secret_keys_and_refresh_tokens_are_refused(url: str, secret: secrets.ServerSecret) -> None:
    first = Identity(url, secret)
    ada = first.create_user("ada", "h")
    _, token = first.open_session(ada)
    key, _ = first.create_key(ada, "", [Scope.READ], [])
    first.close()
    second = Identity(url, secrets.ServerSecret(bytes(32)))
    assert second.live_keys() == [(key, None)]
    with pytest.raises(BadRefreshToken):
        second.refresh(token)
    second.close()


def test_no_secret_is_in_the_database_as_it_is(url: str, secret: secrets.ServerSecret) -> None:
    store = Identity(url, secret)
    ada = store.create_user("ada", passwords.hashed("correct horse"))
    _, token = store.open_session(ada)
    _, key_secret = store.create_key(ada, "", [Scope.READ], [])
    store.close()
    engine = open_database(url)
    with engine.connect() as connection:
        cells = [
            bytes(cell) if isinstance(cell, bytes | memoryview) else str(cell).encode()
            for table in METADATA.sorted_tables
            for row in connection.execute(table.select())
            for cell in row
        ]
    engine.dispose()
    for hidden in (b"correct horse", token.encode(), token.split(".")[1].encode(), key_secret):
        assert [cell for cell in cells if hidden in cell] == []


def test_every_change_is_in_the_audit_trail(identity: Identity, clock: Clock) -> None:
    ada = identity.create_user("ada", "h")
    session, _ = identity.open_session(ada)
    key, _ = identity.create_key(ada, "bot", [Scope.READ], [])
    identity.revoke_key(key.key_id, ada)
    identity.revoke_session(session.session_id, ada.user_id, "logout")
    identity.record(ada, "symbol_halted", "BTC-USDT", {"why": "test"}, seq=7)
    clock.now += 1
    identity.appoint("ada", "h2", COMMAND_LINE)
    trail = identity.audit_trail()
    assert [(entry.actor_name, entry.action, entry.subject) for entry in reversed(trail)] == [
        ("ada", "user_created", "ada"),
        ("ada", "session_opened", session.session_id),
        ("ada", "key_created", key.key_id),
        ("ada", "key_revoked", key.key_id),
        ("ada", "session_revoked", session.session_id),
        ("ada", "symbol_halted", "BTC-USDT"),
        ("command line", "user_promoted", "ada"),
    ]
    assert (trail[1].details, trail[1].seq, trail[0].actor_id) == ({"why": "test"}, 7, None)
    assert identity.audit_trail(limit=1) == trail[:1]
    assert identity.audit_trail(before_ns=clock.now) == trail[1:]


def test_the_command_line_appoints_operators(url: str, tmp_path: Path) -> None:
    def create(name: str, password: str) -> str:
        arguments = ["create", name, "--data", str(tmp_path / "data"), "--identity-url", url]
        result = CliRunner().invoke(operators.main, arguments, input=f"{password}\n")
        assert result.exit_code == 0, result.output
        assert password not in result.output
        return result.output

    assert "account 1000" in create("Ada", "correct horse")
    store = Identity(url, secrets.load_or_create(tmp_path / "data" / "secret.key"))
    eve = store.create_user("eve", passwords.hashed("old password"))
    store.open_session(eve)
    assert "eve is an operator, with account 1001" in create("EVE", "new password")
    login = store.login_of("eve")
    assert login is not None
    assert login[0].role is Role.OPERATOR
    assert passwords.matches(login[1], "new password")
    assert store.live_sessions() == []
    store.close()


@pytest.mark.parametrize(("name", "password"), [("a", "correct horse"), ("a b c", "correct horse"), ("ada", "short")])
def test_the_command_line_refuses_bad_names_and_passwords(tmp_path: Path, name: str, password: str) -> None:
    result = CliRunner().invoke(operators.main, ["create", name, "--data", str(tmp_path)], input=f"{password}\n")
    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_password_fits_its_own_hash_only() -> None:
    known = passwords.hashed("correct horse")
    assert known.startswith("$argon2id$")
    assert known != passwords.hashed("correct horse")
    assert passwords.matches(known, "correct horse")
    assert not passwords.matches(known, "correct hors")
    assert not passwords.matches(None, "nobody has this password")
    assert not passwords.matches("nonsense", "nonsense")


def test_the_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    first, second = secrets.load_or_create(path), secrets.load_or_create(path)
    assert first.token_key == second.token_key
    assert len({first.token_key, first.refresh_key, secrets.load_or_create(tmp_path / "other").token_key}) == 3
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in tmp_path.iterdir()) == ["other", "secret.key"]
    path.chmod(0o640)
    with pytest.raises(IdentityError, match="chmod 600"):
        secrets.load_or_create(path)


@pytest.mark.parametrize("content", ["", "00", "zz" * 32, "é"])
def test_a_damaged_secret_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secret.key"
    path.write_text(content, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(IdentityError, match="32 bytes"):
        secrets.load_or_create(path)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ada:hunter2@localhost/x",
        "sqlite://",
        "postgresql://ada:hunter2@127.0.0.1:1/x",
        "://hunter2",
        "x://[hunter2",
    ],
)
def test_a_database_that_cannot_be_used_is_named_without_its_password(url: str, secret: secrets.ServerSecret) -> None:
    with pytest.raises(IdentityError) as refusal:
        Identity(url, secret)
    assert "hunter2" not in str(refusal.value)
