"""No message makes the server see another request than a proxy before it saw: what is not exact ends the connection."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attacks.messages import MESSAGES, ORDINARY, SMUGGLED, Accepted, Refused
from tests.attacks.raw import Connection, RawAnswer, connect
from tests.server import RunningServer

CLOSES_S = 5.0
SPLITS = (1, 7)  # bytes of a piece


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A sandbox of its own, whose sequence number only these tests advance."""
    with RunningServer(tmp_path_factory.mktemp("smuggling") / "data") as running:
        yield running


def seq(server: RunningServer) -> int:
    """How many commands were sequenced."""
    return server.http.get("/health")["seq"]


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
def test_what_is_not_exact_is_refused_and_nothing_behind_it_is_executed(server: RunningServer, case: Refused) -> None:
    before = seq(server)
    found = answers(server, case.content + SMUGGLED)
    assert [answer.status for answer in found] in [[status] for status in case.statuses]
    assert found[0].closes
    assert seq(server) == before


@pytest.mark.parametrize(
    "case", [case for case in MESSAGES if isinstance(case, Accepted)], ids=lambda case: case.name[:60]
)
def test_what_is_exact_is_answered_once_and_the_next_request_too(server: RunningServer, case: Accepted) -> None:
    first, second = answers(server, case.content + ORDINARY)
    assert first.status in case.statuses
    assert second.status == 200
