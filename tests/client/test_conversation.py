"""What is sent again and what never is, without a network: the conversation is played to."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from openbell_client import (
    ApiKey,
    BatchAmend,
    BatchCancel,
    BatchCancelAll,
    Conflict,
    NoAnswer,
    NoConnection,
    OrderRequest,
    Refused,
    Rejected,
    ServerError,
    Session,
    TooManyRequests,
)
from openbell_client.calls import accounts, auth, market, orders
from openbell_client.calls.call import Call
from openbell_client.conversation import Conversations, Request, Response, Result, Retries, Wait
from openbell_client.errors import OpenbellError

ORDER = orders.enter_order("X", "buy", "limit", "1", "2")
DEPOSIT = accounts.deposit("USDT", 5)
LOST, UNREACHED = NoAnswer("lost"), NoConnection("nobody")


def refused(status: int, code: str = "CODE", details: dict[str, Any] | None = None, after: str | None = None) -> Result:
    body = {"error": "No.", "error_code": code, "details": details or {}, "request_id": "r"}
    return Response(status, json.dumps(body).encode(), after)


class Played:
    """One conversation with a scripted venue, on a clock that waiting moves on."""

    def __init__(self, call: Call[Any], *script: Result, credentials: Any = None, for_s: float | None = 30.0) -> None:
        self.sent: list[Request] = []
        self.waits: list[float] = []
        self.reasons: list[str] = []
        self.error: OpenbellError | None = None
        self.answer: Any = None
        self._now = 0.0
        retries = Retries(for_s, on_wait=lambda why, _: self.reasons.append(str(why)), clock=lambda: self._now)
        conversation = Conversations("http://127.0.0.1:1", credentials, retries).begin(call)
        results = iter(script)
        result: Result | None = None
        try:
            while True:
                step = conversation.send(result)
                if isinstance(step, Wait):
                    self.waits.append(step.seconds)
                    self._now += step.seconds
                    result = None
                else:
                    self.sent.append(step)
                    result = next(results)
        except StopIteration as done:
            self.answer = done.value
        except OpenbellError as error:
            self.error = error


BOOK = Response(200, b'{"status": "live"}')
LIVE = market.live()


@pytest.mark.parametrize("trouble", [LOST, UNREACHED, refused(500), refused(502), refused(503), refused(429)])
def test_an_order_is_sent_again_the_same_to_the_byte(trouble: Result) -> None:
    played = Played(ORDER, trouble, trouble, refused(422))
    assert len(played.sent) == 3
    assert len({request.body for request in played.sent}) == 1
    assert isinstance(played.error, Rejected)
    assert played.error.attempts == 3
    assert len(played.reasons) == len(played.waits) == 2


@pytest.mark.parametrize("trouble", [UNREACHED, refused(429), refused(503, "NOT_ACCEPTING", {"reason": "starting"})])
def test_a_deposit_is_sent_again_where_nothing_was_done(trouble: Result) -> None:
    assert len(Played(DEPOSIT, trouble, refused(403)).sent) == 2


@pytest.mark.parametrize("trouble", [LOST, refused(500), refused(503, "NOT_ACCEPTING", {"reason": "stopping"})])
def test_a_deposit_that_may_have_been_made_is_never_sent_again(trouble: Result) -> None:
    played = Played(DEPOSIT, trouble)
    assert len(played.sent) == 1
    assert isinstance(played.error, NoAnswer | ServerError)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_a_refusal_is_not_asked_again(status: int) -> None:
    played = Played(ORDER, refused(status))
    assert isinstance(played.error, Refused)
    assert (played.error.status, played.error.attempts, played.waits) == (status, 1, [])


def test_pauses_grow_and_end_by_the_deadline() -> None:
    played = Played(LIVE, *[UNREACHED] * 100, for_s=10)
    assert isinstance(played.error, NoConnection)
    assert sum(played.waits) <= 10
    assert all(2 * 0.7 * one <= following for one, following in zip(played.waits[:4], played.waits[1:5], strict=True))


def test_without_a_deadline_it_never_gives_up_and_with_none_at_all_never_asks_again() -> None:
    assert Played(LIVE, *[LOST] * 60, BOOK, for_s=None).answer.status == "live"
    assert len(Played(LIVE, LOST, for_s=0).sent) == 1


def test_retry_after_is_waited_for_and_one_beyond_the_deadline_is_an_error_at_once() -> None:
    assert Played(LIVE, refused(429, after="7"), BOOK).waits[0] >= 7
    played = Played(LIVE, refused(429, after="40"))
    assert (type(played.error), played.waits) == (TooManyRequests, [])


def test_an_expired_token_is_renewed_once_and_the_call_sent_with_the_next() -> None:
    renewed: list[str] = []
    session = Session("old", "r1", on_change=lambda session: renewed.append(session.token))
    signed_in = {
        "token": "new", "token_type": "Bearer", "expires_at": 2**40, "session_id": "s", "session_expires_at": 2**40,
        "name": "ann", "account": 7, "role": "trader", "guest": False, "change_password_by": None,
        "refresh_token": "r2",
    }  # fmt: skip
    following = Response(200, json.dumps(signed_in).encode())
    expired = refused(401, "TOKEN_EXPIRED")
    played = Played(LIVE, expired, following, BOOK, credentials=session)
    assert [request.headers.get("Authorization") for request in played.sent] == ["Bearer old", None, "Bearer new"]
    assert (renewed, session.refresh_token) == (["new"], "r2")
    again = Played(LIVE, expired, following, expired, credentials=Session("old", "r1"))
    assert isinstance(again.error, Refused)


def test_a_token_that_soon_ends_is_renewed_first() -> None:
    played = Played(LIVE, refused(401, "BAD_REFRESH_TOKEN"), credentials=Session("t", "r", expires_at=time.time() + 1))
    assert [request.target for request in played.sent] == ["/auth/refresh"]


def test_a_signature_outside_the_window_is_made_anew_by_the_venues_clock() -> None:
    key = ApiKey("k", "s")
    theirs = time.time_ns() // 1_000_000 + 3_600_000
    played = Played(
        DEPOSIT, refused(401, "TIMESTAMP_OUTSIDE_WINDOW", {"server_time_ms": theirs}), refused(403), credentials=key
    )
    first, second = (int(request.headers["X-Openbell-Timestamp"]) for request in played.sent)
    assert 3_590_000 < second - first < 3_610_000


def test_signing_in_shows_no_credentials() -> None:
    assert "Authorization" not in Played(auth.guest(), refused(403), credentials=Session("t")).sent[0].headers


# -- what is made of what is asked


def test_an_order_without_a_client_order_id_is_given_one_and_one_with_keeps_it() -> None:
    bodies = [json.loads(orders.enter_order("X", "buy", "market", 1).body) for _ in range(2)]
    assert bodies[0]["client_order_id"] != bodies[1]["client_order_id"]
    given = orders.enter(OrderRequest(symbol="X", side="buy", order_type="market", client_order_id="mine"))
    assert json.loads(given.body)["client_order_id"] == "mine"


def test_numbers_are_sent_exactly_and_floats_are_refused() -> None:
    body = json.loads(orders.enter_order("X", "buy", "limit", 10, Decimal("0.10"), stop_price="3.00").body)
    assert (body["quantity"], body["price"], body["stop_price"]) == (10, "0.10", "3.00")
    with pytest.raises(TypeError, match="is a float"):
        orders.enter_order("X", "buy", "limit", 0.1, "2")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="is a float"):
        orders.batch([OrderRequest(symbol="X", side="buy", order_type="market", quantity=0.1)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("elements", "sent"),
    [
        ([OrderRequest(symbol="X", side="buy", order_type="market", quantity=1), BatchCancel(order_id="7")], 2),
        ([BatchCancelAll(), OrderRequest(symbol="X", side="buy", order_type="market", quantity=1)], 1),
        ([BatchAmend(order_id="7", price=1), BatchAmend(order_id="7", price=2)], 1),
    ],
)
def test_a_batch_is_sent_again_under_its_key_and_without_one_only_where_twice_is_as_once(
    elements: list[Any], sent: int
) -> None:
    call = orders.batch(elements)
    requests = Played(call, LOST, refused(409)).sent
    assert len(requests) == 2
    assert len({request.headers["Idempotency-Key"] for request in requests}) == 1
    without_key = replace(call, key=None)  # as over the feed
    assert len(Played(without_key, LOST, refused(409)).sent) == sent


def test_a_proxys_page_is_an_error_with_its_status() -> None:
    played = Played(LIVE, Response(502, b"<html>"), Response(404, b"<html>"))
    assert isinstance(played.error, Refused)
    assert (played.error.status, played.error.error_code) == (404, "HTTP_404")


def test_errors_say_what_the_venue_said() -> None:
    error = Played(ORDER, refused(409, "TOO_LATE", {"seq": 5})).error
    assert isinstance(error, Conflict)
    assert error.body == {"error": "No.", "error_code": "TOO_LATE", "details": {"seq": 5}, "request_id": "r"}
    assert str(error) == "No. (409 TOO_LATE)"


@pytest.mark.parametrize("url", ["127.0.0.1:5000", "ftp://x", "http://", "http://x/y", "http://x?y"])
def test_what_is_no_address_is_said_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        Conversations(url, None, Retries())
