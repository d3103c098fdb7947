"""Tokens and signatures under a clock that is turned by hand: forged, expired, replayed, revoked."""

from __future__ import annotations

import base64
import hmac
from typing import Any

import jwt
import msgspec
import pytest

from api.auth.credentials import AHEAD_MS_MAX, READ_TOKENS_MAX, WINDOW_MS_MAX, Credentials, SignedRequest
from api.auth.principals import Principal
from api.json.errors import ApiError
from engine.types import AccountId
from identity.users import ALL_SCOPES, ApiKey, Role, Session
from tests.api.auth.hand_clock import KEY_SECRET, MS_NS, SECOND_NS, TOKEN_KEY, USER, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def session(clock: Clock) -> Session:
    ends_ns = clock.now + 3600 * SECOND_NS
    return Session(session_id="s1", user=USER, created_ns=clock.now, expires_ns=ends_ns, used_ns=clock.now)


@pytest.fixture
def credentials(clock: Clock, session: Session) -> Credentials:
    """With one session and one key, a moment after the start."""
    made = Credentials(TOKEN_KEY, 900, clock)
    made.admit_session(session)
    key = ApiKey(key_id="k1", user=USER, label="", scopes=ALL_SCOPES, ip_list=(), created_ns=clock.now)
    made.admit_key(key, KEY_SECRET)
    clock.pass_ms(2 * AHEAD_MS_MAX)
    return made


def refusal(ask: Any, *arguments: Any) -> str:
    """The code that asking is refused with."""
    with pytest.raises(ApiError) as refused:
        ask(*arguments)
    assert refused.value.status == 401
    return refused.value.code


def signed_at(ms: int, window: str | None = None) -> SignedRequest:
    """A good request of that time."""
    signature = hmac.digest(KEY_SECRET, f"{ms}\nGET\n/orders\n".encode(), "sha256").hex()
    return SignedRequest(
        key_id="k1",
        timestamp=str(ms),
        window=window,
        signature=signature,
        method="GET",
        target="/orders",
        body=bytes,
        address="127.0.0.1",
    )


def test_a_token_is_good_until_it_expires_however_often_it_is_shown(credentials: Credentials, clock: Clock) -> None:
    token, expires = credentials.issue("s1")
    for _ in range(2):
        assert credentials.of_token(token).account == USER.account
    clock.now = expires * SECOND_NS - 1
    credentials.of_token(token)
    clock.now += 1
    assert refusal(credentials.of_token, token) == "TOKEN_EXPIRED"


def test_a_token_that_was_read_before_is_refused_once_its_session_is_over(
    credentials: Credentials, clock: Clock, session: Session
) -> None:
    token, _ = credentials.issue("s1")
    credentials.of_token(token)
    credentials.drop_session("s1")
    assert refusal(credentials.of_token, token) == "SESSION_ENDED"
    credentials.admit_session(session)
    credentials.of_token(token)
    credentials.admit_session(msgspec.structs.replace(session, expires_ns=clock.now))
    assert refusal(credentials.of_token, token) == "SESSION_ENDED"


def test_a_token_says_who_its_user_is_now(credentials: Credentials, session: Session) -> None:
    token, _ = credentials.issue("s1")
    promoted = msgspec.structs.replace(USER, role=Role.OPERATOR)
    assert credentials.of_token(token).role is Role.TRADER
    credentials.admit_session(msgspec.structs.replace(session, user=promoted))
    assert credentials.of_token(token).role is Role.OPERATOR


def without_seal(claims: dict[str, Any]) -> str:
    """A token with algorithm none."""
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return ".".join(base64.urlsafe_b64encode(msgspec.json.encode(part)).decode().rstrip("=") for part in parts) + "."


def test_a_forged_token_is_refused(credentials: Credentials) -> None:
    token, _ = credentials.issue("s1")
    claims = jwt.decode(token, options={"verify_signature": False})
    forged = [
        "",
        "x",
        "a.b.c",
        token[:-2],
        token + "." + token,
        "é" * 20,
        "x" * 10_000,
        without_seal(claims),
        jwt.encode(claims, bytes(32), algorithm="HS256"),
        jwt.encode(claims, TOKEN_KEY * 2, algorithm="HS512"),
        jwt.encode(claims | {"iss": "elsewhere"}, TOKEN_KEY, algorithm="HS256"),
        jwt.encode(claims | {"sid": 7}, TOKEN_KEY, algorithm="HS256"),
        *(
            jwt.encode({name: claims[name] for name in claims if name != left_out}, TOKEN_KEY, algorithm="HS256")
            for left_out in ("exp", "iat", "iss", "sid", "sub")
        ),
    ]
    assert {refusal(credentials.of_token, token) for token in forged} == {"BAD_TOKEN"}
    other_user = jwt.encode(claims | {"sub": "8"}, TOKEN_KEY, algorithm="HS256")
    assert refusal(credentials.of_token, other_user) == "SESSION_ENDED"


def test_only_so_many_tokens_are_remembered(credentials: Credentials, clock: Clock) -> None:
    first, _ = credentials.issue("s1")
    claims = jwt.decode(first, options={"verify_signature": False})
    remembered = credentials._read_tokens
    remembered.update({str(number): remembered.get(first) for number in range(READ_TOKENS_MAX)})  # type: ignore[misc]
    credentials.of_token(jwt.encode(claims | {"iat": 1}, TOKEN_KEY, algorithm="HS256"))
    assert len(remembered) == 1


@pytest.mark.parametrize(
    ("offset_ms", "window", "good"),
    [
        (0, None, True),
        (-5_000, None, True),
        (-5_001, None, False),
        (AHEAD_MS_MAX, None, True),
        (AHEAD_MS_MAX + 1, None, False),
        (-WINDOW_MS_MAX, str(WINDOW_MS_MAX), True),
        (-WINDOW_MS_MAX - 1, str(WINDOW_MS_MAX), False),
    ],
)
def test_a_signature_is_good_within_its_window(
    credentials: Credentials, clock: Clock, offset_ms: int, window: str | None, good: bool
) -> None:
    clock.pass_ms(3 * WINDOW_MS_MAX)
    asked = signed_at(clock.now // MS_NS + offset_ms, window)
    if good:
        assert credentials.of_signature(asked).key_id == "k1"
    else:
        assert refusal(credentials.of_signature, asked) == "TIMESTAMP_OUTSIDE_WINDOW"


def test_nothing_that_may_have_been_sent_before_the_start_is_taken(clock: Clock) -> None:
    started_ms = clock.now // MS_NS
    restarted = Credentials(TOKEN_KEY, 900, clock)
    key = ApiKey(key_id="k1", user=USER, label="", scopes=ALL_SCOPES, ip_list=(), created_ns=clock.now)
    restarted.admit_key(key, KEY_SECRET)
    clock.pass_ms(1)
    for ms in (started_ms - 1, started_ms, started_ms + AHEAD_MS_MAX):
        assert refusal(restarted.of_signature, signed_at(ms, "60000")) == "TIMESTAMP_OUTSIDE_WINDOW"
    clock.pass_ms(AHEAD_MS_MAX)
    restarted.of_signature(signed_at(started_ms + AHEAD_MS_MAX + 1))


@pytest.mark.parametrize("lead_ms", [0, 500, 30_000, 60_900])
def test_a_signature_is_never_good_twice_however_late_and_with_the_widest_window(
    credentials: Credentials, clock: Clock, lead_ms: int
) -> None:
    clock.pass_ms(WINDOW_MS_MAX)
    credentials.of_signature(signed_at(clock.now // MS_NS))  # the first generation begins
    clock.pass_ms(lead_ms)
    asked = signed_at(clock.now // MS_NS + AHEAD_MS_MAX, str(WINDOW_MS_MAX))
    credentials.of_signature(asked)
    for step in range(130):
        clock.pass_ms(500)
        credentials.of_signature(signed_at(clock.now // MS_NS - 1))  # others go on meanwhile
        code = refusal(credentials.of_signature, asked)
        assert code == ("SIGNATURE_REPLAYED" if step < 122 else "TIMESTAMP_OUTSIDE_WINDOW")


def test_who_is_connected_is_known_to_be_over(credentials: Credentials, clock: Clock) -> None:
    calls: list[int] = []
    credentials.listen(lambda: calls.append(1))
    by_key = credentials.of_signature(signed_at(clock.now // MS_NS))
    by_token = credentials.of_token(credentials.issue("s1")[0])
    nobody = Principal(user_id=0, name="sandbox", account=AccountId(1), role=Role.TRADER)
    assert [credentials.current(who) for who in (by_key, by_token, nobody)] == [by_key, by_token, nobody]
    credentials.drop_key("k1")
    credentials.drop_key("k1")
    assert credentials.current(by_key) is None
    assert len(calls) == 1
    clock.pass_ms(3600 * 1000)
    assert credentials.current(by_token) is None
    credentials.drop_expired()
    assert len(calls) == 2
