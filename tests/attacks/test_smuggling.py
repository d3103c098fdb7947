"""No message makes the server see another request than a proxy before it saw: what is not exact ends the connection."""

from __future__ import annotations

import pytest

from tests.attacks.messages import MESSAGES, ORDINARY, SMUGGLED, Accepted, Refused
from tests.attacks.raw import Connection, RawAnswer, connect
from tests.conftest import PLAIN_SYMBOLS
from tests.server import Http, RunningServer

CLOSES_S = 5.0


@pytest.fixture(scope="module")
def symbol() -> str:
    """In which nobody trades but who smuggles."""
    return f"T{PLAIN_SYMBOLS - 1}"


def smuggled(symbol: str) -> bytes:
    """An order in `symbol`, of the same length."""
    return SMUGGLED.replace(b'"BTC-USDT"', f'"{symbol}"'.ljust(len('"BTC-USDT"')).encode())


def test_the_smuggled_order_alone_is_entered(http: Http, running_server: RunningServer) -> None:
    other = f"T{PLAIN_SYMBOLS - 2}"
    entered, _ = answers(running_server, smuggled(other) + ORDINARY)
    assert entered.status == 200
    assert http.depth(other)[0] != []


def answers(server: RunningServer, content: bytes) -> list[RawAnswer]:
    """All answers until the server closes, which it must."""
    with connect(server.url) as connection:
        send(connection, content)
        return connection.answers(CLOSES_S)


def send(connection: Connection, content: bytes) -> None:
    """Send it, or as much of it as the server reads."""
    try:
        connection.send(content)
    except OSError:  # it closed: its answer is there
        return


@pytest.mark.parametrize(
    "case", [case for case in MESSAGES if isinstance(case, Refused)], ids=lambda case: case.name[:60]
)
def test_what_is_not_exact_is_refused_and_nothing_behind_it_is_executed(
    running_server: RunningServer, http: Http, symbol: str, case: Refused
) -> None:
    found = answers(running_server, case.content.replace(SMUGGLED, smuggled(symbol)) + smuggled(symbol))
    assert [answer.status for answer in found] in [[status] for status in case.statuses]
    assert found[0].closes
    assert http.depth(symbol) == ([], [])


@pytest.mark.parametrize(
    "case", [case for case in MESSAGES if isinstance(case, Accepted)], ids=lambda case: case.name[:60]
)
def test_what_is_exact_is_answered_once_and_the_next_request_too(running_server: RunningServer, case: Accepted) -> None:
    first, second = answers(running_server, case.content + ORDINARY)
    assert first.status in case.statuses
    assert second.status == 200
