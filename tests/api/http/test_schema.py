"""The server does what its own description says, whatever schemathesis makes of it: no 5xx, no answer undescribed.

A sandbox is asked as a guest and as an operator. What schemathesis sends is the same at each run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi import checks as openapi_checks

from tests.access.cast import appoint
from tests.api.clients import PASSWORD, created
from tests.server import Http, RunningServer

EXAMPLES = 10  # of each operation and role
KNOWN = {
    "symbol": ["BTC-USDT", "ETH-USDT", "AAPL-USD", "BTCUSDT", "NONE"],
    "interval": ["1s", "1m", "1h", "1d"],
    "asset": ["USDT", "BTC", "USD", "NONE"],
    "price": ["29000.00", "30000.00", "31000", "190.00"],
    "quantity": ["1", "0.5", "2"],
    "amount": ["1", "0.01", "500"],
    "order_id": [str(number) for number in range(1, 80)],
    "account": ["1", "1000", "1001"],
}
ENDS_SESSIONS = ("/auth/logout", "/auth/sessions/{session_id}")  # their caller may be signed out afterwards
OUTSIDE_MARKET = [
    # a well-formed order may be refused: no funds, beyond the collar, an unknown symbol
    openapi_checks.positive_data_acceptance,
    # in a sandbox a request without credentials is the built-in account's, as the description says
    openapi_checks.ignored_auth,
]

thorough = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


def closed(schema: Any) -> Any:
    """`schema`, with every struct having the fields it names and no other."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(value) for name, value in schema.items()}
    if inner.get("type") == "object" and isinstance(inner.get("properties"), dict):
        inner.setdefault("additionalProperties", False)
    if "prefixItems" in inner:  # valid, but schemathesis 4.32 rewrites it to an older dialect and then refuses that
        inner["items"] = {"anyOf": inner.pop("prefixItems")}
    return inner


def familiar(document: Any) -> Any:
    """`document`, with values that make sense here offered for parameters and fields of requests, by their names."""
    if isinstance(document, list):
        return [familiar(each) for each in document]
    if not isinstance(document, dict):
        return document
    inner = {name: familiar(value) for name, value in document.items()}
    if inner.get("in") in ("path", "query") and inner["name"] in KNOWN:
        inner["schema"] = {"enum": KNOWN[inner["name"]]}
    for name, schema in inner.get("properties", {}).items() if inner.get("additionalProperties") is False else ():
        if name in KNOWN and "$ref" not in schema:
            offered = {"enum": KNOWN[name]}
            inner["properties"][name] = offered if name in ("symbol", "asset") else {"anyOf": [offered, schema]}
    return inner


class Caller:
    """Somebody with a token, who signs in again when it has ended."""

    def __init__(self, server: RunningServer, sign_in: Any) -> None:
        self.url = server.url
        self._server = server
        self._sign_in = sign_in
        self._token: str | None = None
        self.session = requests.Session()

    def headers(self) -> dict[str, str]:
        """The header that shows the token."""
        if self._token is None:
            client = Http(self._server.url)
            self._token = self._sign_in(client)["token"]
            client.close()
        return {"Authorization": f"Bearer {self._token}"}

    def forget(self) -> None:
        """The token may be no good any more."""
        self._token = None

    def schema(self, mode: GenerationMode) -> Any:
        """The server's own description; what it answers must have no other fields.

        What is well-formed is of symbols, assets and orders that there are, most of the time: else all is refused.
        """
        document = self.session.get(f"{self.url}/openapi.json", timeout=30).json()
        if mode is GenerationMode.POSITIVE:
            document = familiar(document)
        document["components"]["schemas"] = closed(document["components"]["schemas"])
        for methods in document["paths"].values():
            for operation in methods.values():
                del operation["security"]  # else it makes up signatures beside the token, and is refused for both
                operation["responses"] = closed(operation["responses"])
        schema = schemathesis.openapi.from_dict(document)
        schema.config.update(base_url=self.url)
        return schema


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server of our own: its symbols get halted and its accounts stopped."""
    with RunningServer(tmp_path_factory.mktemp("schema") / "data") as server:
        appoint(server.data, "olga")
        yield server
        client = Http(server.url)
        assert client.get("/health")["accepting"] is True
        assert "Traceback" not in server.log
        client.close()


@pytest.fixture(scope="module")
def guest(sandbox: RunningServer) -> Caller:
    """A guest."""
    return Caller(sandbox, lambda client: created(client.post("/auth/guest", {})))


@pytest.fixture(scope="module")
def operator(sandbox: RunningServer) -> Caller:
    """An operator."""
    login = {"name": "olga", "password": PASSWORD}
    return Caller(sandbox, lambda client: client.post("/auth/login", login).granted())


def ask(case: Any, caller: Caller) -> int:
    """Send what was made up; the answer must be as described. Return its status."""
    load_all_checks()
    response = case.call_and_validate(
        session=caller.session, headers=caller.headers(), excluded_checks=OUTSIDE_MARKET, timeout=30
    )
    if case.path in ENDS_SESSIONS:
        caller.forget()
    return int(response.status_code)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("role", ["guest", "operator"])
def test_every_answer_is_as_described(
    request: pytest.FixtureRequest, subtests: pytest.Subtests, role: str, mode: GenerationMode
) -> None:
    caller: Caller = request.getfixturevalue(role)
    schema = caller.schema(mode)
    if role == "operator":  # signing in, the pages and the second wire are the same for everybody
        schema = schema.exclude(path_regex="^/(auth|static|docs|favicon.ico|api/v3|[sfd]api|$)")
    statuses: Counter[int] = Counter()
    for found in schema.get_all_operations():
        operation = found.ok()
        with subtests.test(operation.label):
            try:
                strategy = operation.as_strategy(generation_mode=mode)

                @thorough
                @given(case=strategy)
                def answered(case: Any) -> None:
                    statuses[ask(case, caller)] += 1

                answered()
            except Unsatisfiable:  # nothing can be wrong with a request that says nothing
                assert mode is GenerationMode.NEGATIVE
    assert sum(statuses.values()) > 100
    assert statuses[200] > 50 or mode is GenerationMode.NEGATIVE, statuses
