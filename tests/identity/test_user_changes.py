"""Changes of users, sessions that end and second factors, under a clock that is turned by hand."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyotp
import pytest
from click.testing import CliRunner

from identity import operators, passwords, secrets
from identity.errors import (
    BadRefreshToken,
    LastOperator,
    NoPassword,
    SecondFactorOff,
    SecondFactorOn,
    UnknownUser,
)
from identity.second_factor import STEP_S
from identity.store import HOUR_NS, Identity
from identity.user_changes import RESET_HOURS
from identity.users import COMMAND_LINE, Client, Role, Scope, User

STEP_NS = STEP_S * 10**9


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
def path(tmp_path: Path) -> Path:
    return tmp_path / "identity.sqlite"


@pytest.fixture
def identity(path: Path, clock: Clock) -> Iterator[Identity]:
    store = Identity(path, secrets.ServerSecret(bytes(range(32))), clock=clock)
    yield store
    store.close()


def code(secret: str, clock: Clock, step: int = 0) -> str:
    return pyotp.TOTP(secret).at(clock.now // 10**9 + step * STEP_S)


def begun(identity: Identity, user: User, clock: Clock) -> str:
    """The secret of a second factor that is on."""
    secret, _ = identity.second_factors.begin(user)
    assert identity.second_factors.confirm(user, code(secret, clock))
    return secret


# -- sessions


def test_a_session_ends_twelve_hours_after_it_was_refreshed_last(identity: Identity, clock: Clock) -> None:
    session, token = identity.open_session(identity.create_guest(), None, Client("192.0.2.1", "x"))
    assert (session.address, session.user_agent, session.used_ns) == ("192.0.2.1", "x", clock.now)
    clock.now += 12 * HOUR_NS - 1
    session, token = identity.refresh(token)
    assert session.used_ns == clock.now
    clock.now += 12 * HOUR_NS
    assert identity.live_sessions() == []
    with pytest.raises(BadRefreshToken):
        identity.refresh(token)


def test_a_session_ends_after_thirty_days_however_often_it_is_refreshed(identity: Identity, clock: Clock) -> None:
    session, token = identity.open_session(identity.create_guest())
    end = session.created_ns + 30 * 24 * HOUR_NS
    while clock.now + 11 * HOUR_NS < end:
        clock.now += 11 * HOUR_NS
        session, token = identity.refresh(token)
        assert session.expires_ns <= end
    assert session.expires_ns == end
    clock.now = end
    with pytest.raises(BadRefreshToken):
        identity.refresh(token)


def test_shorter_limits_shorten_the_sessions_that_there_are(identity: Identity, path: Path, clock: Clock) -> None:
    session, _ = identity.open_session(identity.create_guest())
    shorter = Identity(path, secrets.ServerSecret(bytes(range(32))), idle_hours=1, clock=clock)
    shorter.shorten_sessions()
    assert shorter.live_sessions()[0].expires_ns == session.created_ns + HOUR_NS
    shorter.close()
    identity.shorten_sessions()  # no longer limit makes them longer again
    assert identity.live_sessions()[0].expires_ns == session.created_ns + HOUR_NS


# -- users


def test_every_change_by_an_operator_ends_sessions_and_keys_and_says_which(identity: Identity) -> None:
    ada, boss = identity.create_user("ada", "h"), identity.create_user("boss", "h", Role.OPERATOR)
    identity.create_user("other", "h", Role.OPERATOR)
    changes, actor = identity.changes, boss.actor
    for change in (
        lambda: changes.promote("ada", actor),
        lambda: changes.demote("ADA", actor),
        lambda: changes.reset_password("ada", "h2", actor),
        lambda: changes.reset_second_factor("ada", actor),
        lambda: changes.revoke("ada", actor),
        lambda: changes.disable("ada", actor),
    ):
        session, _ = identity.open_session(ada)
        key, _ = identity.create_key(ada, "", [Scope.READ], [])
        kept, _ = identity.open_session(boss)
        generation = identity.generation()
        ended = change().ended
        assert (ended.sessions, ended.keys, ended.generation) == ([session.session_id], [key.key_id], generation + 1)
        assert identity.generation() == ended.generation
        assert [live.session_id for live in identity.live_sessions()] == [kept.session_id]
        assert identity.live_keys() == []
        identity.revoke_session(kept.session_id, boss.user_id, "test")
    assert changes.enable("ada", actor).user.disabled is False
    done = [entry.action for entry in identity.audit_trail() if entry.subject == "ada"]
    assert done[::-1] == [
        *("user_created", "user_promoted", "user_dismissed", "password_reset", "totp_reset", "user_revoked"),
        *("user_disabled", "user_enabled"),
    ]


def test_the_last_operator_stays(identity: Identity) -> None:
    boss = identity.create_user("boss", "h", Role.OPERATOR)
    identity.create_user("was", "h", Role.OPERATOR)
    identity.changes.disable("was", boss.actor)
    for change in (identity.changes.demote, identity.changes.disable):
        with pytest.raises(LastOperator):
            change("boss", boss.actor)
        assert identity.user_of(name="boss") == boss
    identity.changes.demote("boss", COMMAND_LINE, even_the_last=True)  # who has the machine appoints another


def test_a_guest_is_no_operator_and_gets_no_password(identity: Identity) -> None:
    guest = identity.create_guest()
    with pytest.raises(NoPassword):
        identity.changes.promote(guest.name, COMMAND_LINE)
    with pytest.raises(NoPassword):
        identity.changes.reset_password(guest.name, "h", COMMAND_LINE)
    with pytest.raises(UnknownUser):
        identity.changes.revoke("nobody", COMMAND_LINE)


def test_a_password_that_was_replaced_meanwhile_is_not_replaced_again(identity: Identity) -> None:
    ada = identity.create_user("ada", "h1")
    session, _ = identity.open_session(ada)
    identity.changes.replace_password(ada, "h1", "h2", session.session_id)
    with pytest.raises(UnknownUser):
        identity.changes.replace_password(ada, "h1", "h3", session.session_id)
    assert identity.live_sessions() == [session]


def test_a_password_of_a_reset_is_good_for_a_day_and_another_for_ever(identity: Identity, clock: Clock) -> None:
    ada = identity.create_user("ada", "h1")
    user = identity.changes.reset_password("ada", "h2", COMMAND_LINE).user
    assert user.password_until_ns == clock.now + RESET_HOURS * HOUR_NS
    identity.changes.replace_password(ada, "h2", "h3", "")
    assert identity.user_of(name="ada") == ada


# -- second factors


def test_a_code_is_good_once_and_for_a_step_before_and_after(identity: Identity, clock: Clock) -> None:
    ada = identity.create_user("ada", "h")
    secret = begun(identity, ada, clock)
    factors = identity.second_factors
    assert not factors.use(ada, code(secret, clock))  # it turned the factor on
    assert not factors.use(ada, code(secret, clock, -1))
    assert not factors.use(ada, code(secret, clock, 2))
    assert factors.use(ada, code(secret, clock, 1))
    clock.now += 3 * STEP_NS
    assert factors.use(ada, code(secret, clock, -1))
    assert not factors.use(ada, code(secret, clock, -1))
    for wrong in ("", "é", "000"):
        assert not factors.use(ada, wrong)


def test_of_many_who_show_a_code_at_once_one_is_let_in(identity: Identity, clock: Clock) -> None:
    ada = identity.create_user("ada", "h")
    following = code(begun(identity, ada, clock), clock, 1)
    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(lambda _: identity.second_factors.use(ada, following), range(16))) == 1


def test_a_second_factor_counts_once_it_is_confirmed_and_until_it_is_turned_off(
    identity: Identity, clock: Clock
) -> None:
    ada = identity.create_user("ada", "h")
    factors = identity.second_factors
    with pytest.raises(SecondFactorOff):
        factors.confirm(ada, "000000")
    secret, _ = factors.begin(ada)
    assert not factors.use(ada, code(secret, clock))
    assert not factors.confirm(ada, code(secret, clock, 5))
    assert identity.user_of(name="ada") == ada
    again, _ = factors.begin(ada)
    assert not factors.confirm(ada, code(secret, clock))
    assert factors.confirm(ada, code(again, clock))
    found = identity.user_of(name="ada")
    assert found is not None
    assert found.totp
    with pytest.raises(SecondFactorOn):
        factors.begin(ada)
    factors.turn_off(ada)
    assert identity.user_of(name="ada") == ada
    with pytest.raises(SecondFactorOff):
        factors.turn_off(ada)


def test_a_secret_of_another_server_secret_lets_nobody_in(identity: Identity, path: Path, clock: Clock) -> None:
    ada = identity.create_user("ada", "h")
    secret = begun(identity, ada, clock)
    other = Identity(path, secrets.ServerSecret(bytes(32)), clock=clock)
    assert not other.second_factors.use(ada, code(secret, clock, 1))
    other.close()
    assert secret.encode() not in path.read_bytes()


# -- the command line


def test_the_command_line_lets_in_who_lost_password_or_second_factor(tmp_path: Path) -> None:
    data = tmp_path / "data"

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(operators.main, [*arguments, "--data", str(data)], input="correct horse\n")
        assert result.exit_code == 0, result.output
        return result.output

    run("create", "boss")
    store = Identity(data / "identity.sqlite", secrets.load_or_create(data / "secret.key"))
    boss = store.user_of(name="boss")
    assert boss is not None
    secret, _ = store.second_factors.begin(boss)
    assert store.second_factors.confirm(boss, pyotp.TOTP(secret).now())
    said = run("reset-password", "boss")
    login = store.login_of("boss")
    assert login is not None
    assert passwords.matches(login[1], said.split(" signs in with ")[1].split()[0])
    assert login[0].totp
    run("reset-totp", "boss")
    run("dismiss", "boss")
    run("promote", "boss")
    found = store.user_of(name="boss")
    assert found is not None
    assert (found.role, found.totp) == (Role.OPERATOR, False)
    assert {entry.actor_name for entry in store.audit_trail()} == {"command line", "boss"}
    store.close()
