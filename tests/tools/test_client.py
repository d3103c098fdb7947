"""The client: what it tries again and what never, how it reads answers. Against real sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from tools.answers import Health, NewOrder, Refusal, TradePage
from tools.client import BadAnswer, Unavailable, VenueClient, decode, granted, retried

ORDER = NewOrder("X", "buy", "limit", "1", "2", client_order_id="a-1")
BUSY = {"error": "busy", "error_code": "NOT_ACCEPTING", "request_id": "r"}


class Scripted:
    """A server that answers POST /order as it is told to: a status each, 0 for a cut connection."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.bodies: list[bytes] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        status = self.statuses.pop(0)
        if status == 0:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(BUSY, status=status or 200)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[VenueClient]:
        app = web.Application()
        app.router.add_post("/order", self.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            async with VenueClient(f"http://127.0.0.1:{runner.addresses[0][1]}") as client:
                yield client
        finally:
            await runner.cleanup()


def entered_surely(server: Scripted, attempts: int | None = None) -> tuple[Refusal, list[str]]:
    async def enter() -> tuple[Refusal, list[str]]:
        waits: list[str] = []
        async with server.client() as client:
            answer = await client.enter_surely(ORDER, attempts=attempts, on_wait=waits.append)
            assert isinstance(answer, Refusal)
            return answer, waits

    return asyncio.run(enter())


def test_an_order_goes_again_after_503_and_a_cut_connection_unchanged() -> None:
    server = Scripted(503, 0, 400)
    answer, waits = entered_surely(server)
    assert answer.status == 400
    assert len(waits) == 2
    assert len(server.bodies) == 3
    assert len(set(server.bodies)) == 1


def test_the_last_attempt_is_the_last() -> None:
    answer, _ = entered_surely(Scripted(503, 503), attempts=2)
    assert answer.status == 503
    with pytest.raises(Unavailable):
        entered_surely(Scripted(0, 0), attempts=2)


def test_a_refusal_of_the_rules_is_not_tried_again() -> None:
    server = Scripted(422)
    answer, waits = entered_surely(server)
    assert (answer.status, answer.error_code, waits) == (422, "NOT_ACCEPTING", [])


def test_an_order_without_a_client_order_id_is_never_sent_twice() -> None:
    async def enter() -> None:
        await VenueClient("http://127.0.0.1:9").enter_surely(NewOrder("X", "buy", "market", "1"))

    with pytest.raises(ValueError, match="client order id"):
        asyncio.run(enter())


def test_a_plain_enter_is_sent_once() -> None:
    server = Scripted(503)

    async def enter() -> object:
        async with server.client() as client:
            return await client.enter(ORDER)

    assert isinstance(asyncio.run(enter()), Refusal)
    assert len(server.bodies) == 1


def test_nobody_listening_is_unavailable() -> None:
    async def ask() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # bound, not listening
            async with VenueClient(f"http://127.0.0.1:{taken.getsockname()[1]}") as client:
                await client.health()

    with pytest.raises(Unavailable, match="no connection"):
        asyncio.run(ask())


def test_an_answer_of_another_shape_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer):
        decode(200, b'{"trades": [{"price": "1"}]}', TradePage)
    with pytest.raises(BadAnswer):
        decode(500, b"<html>", Health)
    with pytest.raises(BadAnswer):
        granted(Refusal("no", "UNKNOWN_SYMBOL", "r", 404))


def test_a_call_that_succeeds_is_made_once() -> None:
    calls: list[int] = []

    async def call() -> str | Refusal:
        calls.append(1)
        return "done"

    assert asyncio.run(retried(call)) == "done"
    assert calls == [1]
