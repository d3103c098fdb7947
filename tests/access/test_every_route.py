"""Every route, against everybody who may come: who is let in, and how each of the others is refused.

A route without a row here fails the test.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from api.bootstrap import Server
from api.settings import Settings
from tests.access.cast import Cast, Person, guest, operator, status_and_code
from tests.access.routes import NOTHING, OPERATOR, OPERATOR_SESSION, READ, ROWS, SESSION, TRADE, WITHDRAW, Row
from tests.access.second_wire import PREFIXES
from tests.api.clients import signed

IN_SESSION = (SESSION, OPERATOR_SESSION)
OPERATORS = (OPERATOR, OPERATOR_SESSION)
# which scopes another key must have so that only the one that is needed is missing
OTHER_SCOPES = {READ: ("trade",), TRADE: ("read", "withdraw"), WITHDRAW: ("read", "trade")}


def each(rows: list[Row]) -> Any:
    """Run a test for each of these rows."""
    return pytest.mark.parametrize("row", rows, ids=lambda row: row.route)


each_row = each(ROWS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A whole server without its port, to read its routes off."""
    server = Server(Settings(data=tmp_path_factory.mktemp("routes")))
    yield server
    server.close()


def test_every_route_has_its_row(server: Server) -> None:
    offered = [
        f"{method} {rule.rule}"
        for rule in server.app.url_map.iter_rules()
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS") and not rule.rule.startswith(PREFIXES)  # see test_second_wire.py
    ]
    assert sorted(row.route for row in ROWS) == sorted(offered)


def outcome(cast: Cast, row: Row, headers: dict[str, str]) -> tuple[int, str | None]:
    """Status and error code of the row's request with these headers."""
    return status_and_code(cast.http.call(row.method, row.path, row.content or None, headers))


def rightful(cast: Cast, row: Row) -> Person:
    """Somebody, in a session of their own, whom the route must let in."""
    return operator(cast.http) if row.needs in OPERATORS else guest(cast.http)


def signed_for(row: Row, key: dict[str, Any]) -> dict[str, str]:
    """The headers of the row's request, signed."""
    return signed(key, row.method, row.path, row.content)


@each_row
def test_whoever_may_is_let_in(cast: Cast, row: Row) -> None:
    who = rightful(cast, row)
    if row.needs not in IN_SESSION:
        assert outcome(cast, row, signed_for(row, who.key)) == row.outcome
    assert outcome(cast, row, who.bearer) == row.outcome


@each_row
def test_whoever_shows_nothing_gets_what_the_profile_gives(cast: Cast, sandbox_cast: Cast, row: Row) -> None:
    expected: tuple[int, str | None] = (401, "UNAUTHENTICATED")
    if row.needs is NOTHING:
        expected = row.outcome
    elif cast is sandbox_cast and row.needs not in IN_SESSION:
        expected = (403, "OPERATOR_NEEDED") if row.needs is OPERATOR else row.outcome
        if row.path == "/account/deposit":  # the built-in account has more than the on-ramp gives
            expected = (422, "DEPOSIT_LIMIT_EXCEEDED")
        if row.path == "/metrics":  # its own machine may read the figures of a sandbox
            expected = row.outcome
    assert outcome(cast, row, {}) == expected


@each_row
def test_bad_credentials_are_refused_for_what_is_wrong_with_them(cast: Cast, row: Row) -> None:
    shown = cast.refused_headers(row.method, row.path, row.content)
    found = {what: outcome(cast, row, headers) for what, (headers, _, _) in shown.items()}
    public = row.needs is NOTHING
    expected = {what: row.outcome if public else (status, code) for what, (_, status, code) in shown.items()}
    assert found == expected


@each_row
def test_a_request_that_is_sent_again_is_refused(cast: Cast, row: Row) -> None:
    headers = signed_for(row, guest(cast.http).key)
    first = outcome(cast, row, headers)
    assert first[1] != "SIGNATURE_REPLAYED"
    assert outcome(cast, row, headers) == (first if row.needs is NOTHING else (401, "SIGNATURE_REPLAYED"))


@each([row for row in ROWS if row.needs is not NOTHING])
def test_a_key_without_the_scope_is_refused(cast: Cast, row: Row) -> None:
    if row.needs in IN_SESSION:
        key = cast.trader.key if row.needs is SESSION else cast.operator.key
        assert outcome(cast, row, signed_for(row, key)) == (403, "SESSION_NEEDED")
    elif row.needs is OPERATOR:
        needed = "read" if row.method == "GET" else "trade"
        key = cast.operator_with_scopes[("trade",) if needed == "read" else ("read", "withdraw")]
        assert outcome(cast, row, signed_for(row, key)) == (403, "SCOPE_MISSING")
    else:
        key = cast.with_scopes[OTHER_SCOPES[row.needs]]
        assert outcome(cast, row, signed_for(row, key)) == (403, "SCOPE_MISSING")
        right = cast.with_scopes[(row.needs.value,)]
        assert outcome(cast, row, signed_for(row, right)) == row.outcome


@each([row for row in ROWS if row.needs in OPERATORS])
def test_only_operators_operate(cast: Cast, row: Row) -> None:
    assert outcome(cast, row, cast.trader.bearer) == (403, "OPERATOR_NEEDED")
    by_key = "SESSION_NEEDED" if row.needs is OPERATOR_SESSION else "OPERATOR_NEEDED"
    assert outcome(cast, row, signed_for(row, cast.trader.key)) == (403, by_key)
