"""The load scripts and probes: right answers pass, wrong ones fail the run."""

import asyncio
import io
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, redirect_stdout
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from openbell_client import AsyncClient
from tests import advanced_load_test, monitoring_suite
from tests.programs import run
from tests.server import RunningServer
from tools.flow import HOME_PRICES
from tools.probes import Prober, quiet_symbol, run_probes

Doctor = Callable[[str, dict[str, Any]], None]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with RunningServer(tmp_path_factory.mktemp("load") / "data") as server:
        yield server.url


@asynccontextmanager
async def doctored(url: str, doctor: Doctor) -> AsyncIterator[str]:
    """A server before the server at `url` that changes what it answers."""

    async def forward(request: web.Request) -> web.Response:
        body = await request.read()
        async with session.request(request.method, url + request.path_qs, data=body) as response:
            content = msgspec.json.decode(await response.read())
            doctor(f"{request.method} {request.path}", content)
            return web.Response(
                body=msgspec.json.encode(content), status=response.status, content_type="application/json"
            )

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", forward)
    runner = web.AppRunner(app)
    async with aiohttp.ClientSession() as session:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


def status_against(url: str, doctor: Doctor, script: Callable[[Any], Awaitable[int]], options: Any) -> int:
    """The exit status of a script that runs against a doctored server."""

    async def test() -> int:
        async with doctored(url, doctor) as address:
            options.url = address
            return await script(options)

    return asyncio.run(test())


def lose_a_lot(call: str, answer: dict[str, Any]) -> None:
    if call == "POST /order" and "filled_quantity" in answer:
        answer["filled_quantity"] = "0.000001"


def cross_the_book(call: str, answer: dict[str, Any]) -> None:
    if call.startswith("GET /book"):
        answer["bids"] = answer["asks"] = [["100.00", "1"]]


def shape_of_another(call: str, answer: dict[str, Any]) -> None:
    if call == "POST /cancel":
        answer.pop("success", None)
        answer.pop("error", None)


def honest(call: str, answer: dict[str, Any]) -> None:
    pass


# Whether the rate is kept is another test's business: the machine may stall.
LOAD = ["--rate", "60", "--duration", "2", "--slack", "60", "--format", "plain"]


def test_a_low_rate_is_answered_rightly_and_the_figures_are_written(url: str, tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    ended = run("tests/advanced_load_test.py", "--url", url, *LOAD, "--json", str(figures))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    written = msgspec.json.decode(figures.read_bytes())
    assert written["problem_count"] == 0
    assert written["phases"]["constant"]["latency"]["all"]["count"] == 120
    assert written["phases"]["constant"]["latency"]["all"]["p999_ms"] > 0
    assert written["schedule"][0]["planned"] == 120


def test_a_run_that_cannot_keep_its_rate_says_so_first_tells_what_it_did_and_fails(tmp_path: Path) -> None:
    def slow(call: str, answer: dict[str, Any]) -> None:
        if call == "POST /order":
            time.sleep(0.1)  # one answer after the other: ten a second are all there are

    figures = tmp_path / "figures.json"
    with RunningServer(tmp_path / "data") as server:
        options = advanced_load_test.parser().parse_args(
            ["--rate", "50", "--duration", "1", "--format", "plain", "--json", str(figures)]
        )
        with redirect_stdout(io.StringIO()) as printed:
            assert status_against(server.url, slow, advanced_load_test.run, options) == 1
    lines = printed.getvalue().splitlines()
    assert lines[0].startswith("constant: RATE NOT KEPT: 50 in 1 s, 50 a second, were asked for; 50 answers in ")
    written = msgspec.json.decode(figures.read_bytes())
    (phase,) = written["schedule"]
    assert (phase["kept_rate"], phase["answered"], written["problem_count"]) == (False, 50, 0)
    assert phase["took_s"] > 2
    rates = written["phases"]["constant"]["rates"]
    assert rates["answers"] == pytest.approx(50 / phase["took_s"], rel=0.02)
    assert rates["requests"] == rates["answers"]


def test_a_spike_is_reported_phase_by_phase(url: str) -> None:
    ended = run("tests/advanced_load_test.py", "--url", url, "--mode", "spike", "--spike-rate", "150", *LOAD)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for phase in ("baseline, 60", "spike, 150", "after, 60"):
        assert phase in ended.stdout


@pytest.mark.parametrize(
    ("doctor", "status"), [(honest, 0), (lose_a_lot, 1), (cross_the_book, 1), (shape_of_another, 1)]
)
def test_the_load_test_fails_on_wrong_answers_and_only_on_them(url: str, doctor: Doctor, status: int) -> None:
    options = advanced_load_test.parser().parse_args(LOAD)
    assert status_against(url, doctor, advanced_load_test.run, options) == status


def test_a_server_that_is_not_there_is_not_a_pass() -> None:
    ended = run("tests/advanced_load_test.py", "--url", "http://127.0.0.1:9", *LOAD)
    assert ended.returncode == 2
    assert "no connection" in ended.stderr


@pytest.mark.parametrize(("doctor", "status"), [(honest, 0), (lose_a_lot, 1), (cross_the_book, 1)])
def test_the_profile_fails_on_wrong_answers_and_only_on_them(url: str, doctor: Doctor, status: int) -> None:
    options = monitoring_suite.parser().parse_args(["--test", "profile", "--iterations", "10"])
    assert status_against(url, doctor, monitoring_suite.run, options) == status


def test_the_monitor_shows_a_line_a_second(url: str) -> None:
    ended = run("tests/monitoring_suite.py", "--test", "monitor", "--url", url, "--duration", "3")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count(" healthy ") >= 2


def test_every_rule_is_answered_rightly(url: str) -> None:
    async def probe() -> dict[str, list[str]]:
        async with AsyncClient(url, retry_for_s=0) as client:
            quiet = await quiet_symbol(client, HOME_PRICES)
            assert quiet is not None
            symbol, info, price = quiet
            return await run_probes(Prober(client, symbol, info, price))

    found = asyncio.run(probe())
    assert len(found) == 15
    assert {name: problems for name, problems in found.items() if problems} == {}


def test_a_probe_finds_a_venue_that_fills_at_another_price(url: str) -> None:
    def pay_more(call: str, answer: dict[str, Any]) -> None:
        for trade in answer.get("trades", []) if call == "POST /order" else []:
            trade["price"] = str(Decimal(trade["price"]) + 1)

    async def probe() -> dict[str, list[str]]:
        async with doctored(url, pay_more) as address, AsyncClient(address, retry_for_s=0) as client:
            quiet = await quiet_symbol(client, HOME_PRICES)
            assert quiet is not None
            symbol, info, price = quiet
            return await run_probes(Prober(client, symbol, info, price))

    found = asyncio.run(probe())
    assert found["best price first"] != []
    assert found["numbers that are none are refused"] == []


def test_the_comprehensive_test_finds_the_knee_of_a_server_of_its_own() -> None:
    ended = run("tests/monitoring_suite.py", "--test", "comprehensive", "--spawn", "--duration", "0.5")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "right  best price first" in ended.stdout
    assert "Knee: " in ended.stdout


@pytest.mark.parametrize("script", ["tests/advanced_load_test.py", "tests/monitoring_suite.py"])
def test_help_explains_every_option(script: str) -> None:
    ended = run(script, "--help")
    assert ended.returncode == 0
    for option in ("--url", "--spawn", "--duration", "--seed"):
        assert option in ended.stdout
