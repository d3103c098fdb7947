"""The id of a request of the ws-api comes back as it was sent, or is refused: never as something else."""

from __future__ import annotations

import pytest

from tests.api.binance.streams.socket_client import SocketClient
from tests.server import RunningServer


@pytest.mark.parametrize(
    ("written", "repeated"), [("7", 7), ("-7", -7), ('"7"', "7"), ('"1.5"', "1.5"), ('"a-1"', "a-1"), ("null", None)]
)
def test_an_id_comes_back_as_it_was_sent(running_server: RunningServer, written: str, repeated: int | str) -> None:
    with SocketClient(running_server.url, "/ws-api/v3") as client:
        client.send(f'{{"method":"ping","id":{written}}}')
        answer = client.receive()
    assert (answer["status"], answer["id"], type(answer["id"])) == (200, repeated, type(repeated))


@pytest.mark.parametrize("written", ["1.5", "1e3", "1e400", "9" * 30, "true", "[1]", "{}", '"' + "x" * 65 + '"'])
def test_what_is_neither_a_whole_number_nor_a_text_is_no_id(running_server: RunningServer, written: str) -> None:
    with SocketClient(running_server.url, "/ws-api/v3") as client:
        client.send(f'{{"method":"ping","id":{written}}}')
        answer = client.receive()
    assert (answer["status"], answer["id"], answer["error"]["code"]) == (400, None, -1135)
