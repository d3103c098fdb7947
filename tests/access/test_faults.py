"""Whatever fails within, nobody is told of it more than a fixed sentence: no SQL, path, traceback, class or account.

Each adapter is made to fail with a text that tells everything, and every route is asked by whoever may.
"""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
from sqlalchemy.exc import OperationalError

from api.bootstrap import Server
from api.orders import memory
from api.settings import Settings
from engine.commands import Deposit
from engine.rejects import InvariantViolation
from engine.types import SANDBOX_ACCOUNT
from identity.users import Role
from journal.port import JournalFailed
from tests.access.routes import OPERATOR, OPERATOR_SESSION, ROWS, SESSION, Row
from tests.api.full_disk import fill_disk
from tests.server import RunningServer, eventually

STATEMENT = "INSERT INTO postings (account, asset) VALUES (424242, 'SECRETCOIN')"
CAUSE = "/srv/venue/history.sqlite is malformed"
TELLTALE = re.compile(
    r"424242|SECRETCOIN|/srv/|sqlite|postgres|psycopg|SELECT|INSERT|UPDATE |Traceback|File \"|\.py\b|"
    r"object at 0x|Error\b(?!\")|Exception|Violation|sqlalche|werkzeug|eventlet"
)
QUIET = {"GET /", "GET /docs", "GET /openapi.json", "GET /static/<path:path>", "GET /favicon.ico"}  # fixed files
ENDING = {"POST /auth/logout", "DELETE /auth/sessions"}


class RevealingError(Exception):
    """A failure of a class of ours that nobody foresaw."""


def fails(*_: Any, **__: Any) -> Any:
    """Fail as a database does."""
    raise OperationalError(STATEMENT, {"account": 424242}, sqlite3.OperationalError(CAUSE))


def surprises(*_: Any, **__: Any) -> Any:
    """Fail as nobody foresaw."""
    raise RevealingError(f"{STATEMENT}: {CAUSE}")


def methods(adapter: Any) -> list[str]:
    """The names of what an adapter offers, but for what it is opened and closed with."""
    kept = ("close", "applied_seq", "last", "path", "pid", "reopen")
    named = (name for name in dir(type(adapter)) if not name.startswith("_") and name not in kept)
    return [name for name in named if callable(getattr(adapter, name))]


def break_history(server: Server, patch: pytest.MonkeyPatch, how: Callable[..., Any]) -> None:
    for name in methods(server.history):
        patch.setattr(server.history, name, how)
    fill_disk(server)
    server.sequencer.submit(Deposit(SANDBOX_ACCOUNT, "USDT", "515151"))  # which cannot be written
    assert not server.historian.access.wait(server.exchange.seq, 20)


def break_identity(server: Server, patch: pytest.MonkeyPatch, how: Callable[..., Any]) -> None:
    identity = server.auth._identity
    for name in methods(identity):
        patch.setattr(identity, name, how)


def break_explainer(server: Server, patch: pytest.MonkeyPatch, how: Callable[..., Any]) -> None:
    patch.setattr(server.explainer, "_open", how)


def break_books(server: Server, patch: pytest.MonkeyPatch, how: Callable[..., Any]) -> None:
    def differs() -> None:
        raise InvariantViolation(f"account 424242 holds SECRETCOIN that nobody deposited, see {CAUSE}")

    patch.setattr(server.exchange, "invariant_steps", differs)
    patch.setattr(type(server.exchange), "order", how)


def break_journal(server: Server, patch: pytest.MonkeyPatch, how: Callable[..., Any]) -> None:
    def refuses(*_: Any) -> None:
        raise JournalFailed(f"{CAUSE}: {STATEMENT}") if how is fails else RevealingError(f"{CAUSE}: {STATEMENT}")

    patch.setattr(server.writer._committer._journal, "append", refuses)


FAULTS = (break_history, break_identity, break_explainer, break_books, break_journal)


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A whole server without its port."""
    server = Server(Settings(data=tmp_path_factory.mktemp("faults"), rate_limit_storage="memory://"))
    yield server
    server.close()


def owner(server: Server) -> dict[str, str]:
    """The header of an operator's session."""
    signing = server.auth
    guest = signing.guest()
    session = signing._credentials._sessions[guest.session_id]
    boss = msgspec.structs.replace(session.principal, role=Role.OPERATOR)
    signing._credentials._sessions[guest.session_id] = msgspec.structs.replace(session, principal=boss)
    return {"Authorization": f"Bearer {guest.token}"}


def answer_of(client: Any, row: Row, headers: dict[str, str]) -> tuple[int, str]:
    """The status and everything else of an answer."""
    answer = client.open(row.path, method=row.method, data=row.content, headers=headers)
    return answer.status_code, answer.get_data(as_text=True) + str(answer.headers)


@pytest.mark.parametrize("how", [fails, surprises])
@pytest.mark.parametrize("broken", FAULTS)
def test_no_answer_tells_what_failed(
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    broken: Callable[..., None],
    how: Callable[..., Any],
) -> None:
    bearer = owner(server)
    client = server.app.test_client()
    broken(server, monkeypatch, how)
    statuses, leaks = set(), []
    with caplog.at_level(logging.DEBUG):
        for row in sorted(ROWS, key=lambda row: row.route in ENDING):  # last: these end the owner's session
            if row.route in QUIET:
                continue
            shown = [bearer] if row.needs in (SESSION, OPERATOR, OPERATOR_SESSION) else [{}, bearer]
            for headers in shown:
                status, reply = answer_of(client, row, headers)
                statuses.add(status)
                if found := TELLTALE.search(reply):
                    leaks.append((row.route, status, found.group(), reply[:300]))
    assert leaks == []
    assert statuses & {500, 503}  # it did fail


def test_why_the_history_failed_is_in_the_log_alone(tmp_path: Path) -> None:
    said = "The history cannot be written; it is tried again, and what is missing is written then."
    order = {"symbol": "BTC-USDT", "side": "buy", "order_type": "ioc", "quantity": "0.515151", "price": "20000.00"}
    with RunningServer(tmp_path / "data") as running:
        eventually(lambda: running.http.get("/health")["history"]["lag"] == 0)
        (historian,) = running.process.children()
        size = max(file.stat().st_size for file in running.data.glob("history.sqlite*"))
        historian.rlimit(psutil.RLIMIT_FSIZE, (size, psutil.RLIM_INFINITY))
        running.http.post("/order", order).granted()
        eventually(lambda: running.http.get("/health")["history"]["failure"] == said)
        assert running.http.get("/statistics")["history_failure"] == said
        assert re.search(r"history stopped at seq \d+, trading goes on: OperationalError: .*disk", running.log)
        assert "515151" not in running.log  # whose order or money it was is no business of a log


def ask(server: Server, path: str, body: Any) -> Any:
    return server.app.test_client().post(path, data=msgspec.json.encode(body)).json


def test_a_retry_while_the_history_does_not_answer_is_told_the_truth_or_to_ask_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bound in ("DONE_MAX", "OPEN_FILLS_MAX"):
        monkeypatch.setattr(memory, bound, 0)  # so that all of it is in the history alone
    order = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.02", "price": "20000.00"}
    resting, partly = order | {"client_order_id": "resting"}, order | {"client_order_id": "partly"}
    first = {name["client_order_id"]: ask(server, "/order", name)["order_id"] for name in (resting, partly)}
    ask(server, "/order", order | {"side": "sell", "quantity": "0.03"})  # fills the first, and half of the second
    ask(server, "/order", resting | {"client_order_id": "open"})
    seq = server.exchange.seq
    assert server.historian.access.wait(seq, 5)
    for name in methods(server.history):
        monkeypatch.setattr(server.history, name, fails)
    for again in (partly, resting):
        reply = ask(server, "/order", again)
        (batched,) = ask(server, "/orders/batch", {"orders": [again]})["results"]
        assert (reply["error_code"], batched["body"]["error_code"]) == ("HISTORY_BEHIND", "HISTORY_BEHIND"), reply
        assert batched["status"] == 503
    reply = ask(server, "/order", resting | {"client_order_id": "open"})
    assert (reply["repeated"], reply["status"], reply["trades"]) == (True, "resting", [])
    reply = server.app.test_client().get(f"/order/{first['partly']}").get_json()
    assert (reply["status"], reply["filled"], reply.get("fills")) == ("partially_filled", "0.01000000", None)
    answer = server.app.test_client().get(f"/order/{first['resting']}")
    assert (answer.status_code, answer.get_json()["error_code"]) == (503, "HISTORY_BEHIND")


def test_a_history_that_fell_behind_makes_no_repetition_tell_of_fewer_trades_than_there_were(server: Server) -> None:
    order = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.02", "price": "20000.00"}
    named = order | {"client_order_id": "partly"}
    ask(server, "/order", order | {"side": "sell", "quantity": "0.01"})
    fill_disk(server)
    first = ask(server, "/order", named)
    assert (first["filled_quantity"], len(first["trades"])) == ("0.01000000", 1)
    reply = ask(server, "/order", named)
    assert len(reply["trades"]) == 1, reply
