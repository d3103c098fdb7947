"""`min_seq`: an answer that is no older than what a client has seen, by whichever node it was."""

from __future__ import annotations

import threading
import time

import pytest

from tests.server import Http


@pytest.mark.parametrize(
    "path", ["/bbo/{}", "/book/{}?levels=5", "/ticker", "/account/balances", "/orders?limit=1", "/health"]
)
def test_an_answer_that_is_new_enough_comes_at_once(http: Http, symbol: str, path: str) -> None:
    seq = http.get("/health")["seq"]
    path = path.format(symbol)
    assert http.get(f"{path}{'&' if '?' in path else '?'}min_seq={seq}")


def test_a_node_that_is_behind_says_so_after_a_moment_and_how_far_it_is(http: Http, symbol: str) -> None:
    seq = http.get("/health")["seq"]
    began = time.monotonic()
    refusal = http.call("GET", f"/bbo/{symbol}?min_seq={seq + 10_000_000}").refused(503, "BEHIND")
    assert time.monotonic() - began >= 0.2
    assert refusal["details"]["seq"] >= seq


def test_a_read_that_waits_is_answered_as_soon_as_the_command_is_applied(http: Http, symbol: str) -> None:
    found: list[int] = []

    def entered() -> None:
        other = Http(http.url)
        other.enter(symbol, "buy", "1", "10")
        other.close()

    for _ in range(20):  # the other may come first, or too late
        seq = http.get("/health")["seq"]
        thread = threading.Thread(target=entered)
        thread.start()
        answer = http.call("GET", f"/bbo/{symbol}?min_seq={seq + 1}")
        thread.join()
        if answer.status == 200:
            found.append(answer.json["seq"])
            break
    assert found


@pytest.mark.parametrize("value", ["x", "-1", "", "1.0", "%D9%A3", "1" * 20])
def test_what_is_no_seq_is_refused(http: Http, symbol: str, value: str) -> None:
    http.call("GET", f"/bbo/{symbol}?min_seq={value}").refused(400, "INVALID_VALUE")


def test_it_is_given_once_and_to_reads_alone(http: Http, symbol: str) -> None:
    http.call("GET", f"/bbo/{symbol}?min_seq=1&min_seq=2").refused(400, "REPEATED_FIELD")
    http.call("DELETE", f"/orders?symbol={symbol}&min_seq=1").refused(400, "UNKNOWN_FIELD")
