"""What is answered where there is no explanation now."""

from __future__ import annotations

import pytest
from flask import Flask

from api.explanations.routes import blueprint
from api.http import errors
from explain.host import (
    ExplainerBehind,
    ExplainerBusy,
    ExplainerFailed,
    ExplainHost,
    NotExplained,
    NothingToExplain,
    NotKept,
    RecordsUnreadable,
)


class Refusing(ExplainHost):
    """Explains nothing, for one reason."""

    def __init__(self, refusal: NotExplained) -> None:
        self._refusal = refusal

    def explain(self, *_: object) -> bytes:
        raise self._refusal


@pytest.mark.parametrize(
    ("path", "refusal", "status", "code", "details"),
    [
        ("/order/1/explain", NothingToExplain(), 404, "UNKNOWN_ORDER", {}),
        ("/trade/1/explain", NothingToExplain(), 404, "UNKNOWN_TRADE", {}),
        ("/command/1/explain", NothingToExplain(), 404, "UNKNOWN_COMMAND", {}),
        ("/order/1/explain", ExplainerBusy(own=True), 429, "EXPLAINER_BUSY", {}),
        ("/order/1/explain", ExplainerBusy(own=False), 503, "EXPLAINER_BUSY", {}),
        ("/order/1/explain", ExplainerBehind(30), 503, "EXPLAINER_BEHIND", {"read_percent": 30}),
        ("/order/1/explain", ExplainerFailed(), 503, "EXPLAINER_FAILED", {}),
        ("/order/1/explain", RecordsUnreadable(), 503, "EXPLAINER_FAILED", {}),
        ("/order/1/explain", NotKept(70), 410, "EXPLANATION_NOT_KEPT", {"first_seq": 70}),
    ],
)
def test_each_refusal_has_its_status_its_code_and_when_to_ask_again(
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    refusal: NotExplained,
    status: int,
    code: str,
    details: dict[str, object],
) -> None:
    monkeypatch.setattr("api.explanations.routes._asker", lambda: None)
    app = Flask("explanations")
    errors.install(app)
    app.register_blueprint(blueprint(Refusing(refusal)))
    answer = app.test_client().get(path)
    assert answer.json is not None
    assert (answer.status_code, answer.json["error_code"], answer.json["details"]) == (status, code, details)
    asking_helps = status not in (404, 410) and not isinstance(refusal, RecordsUnreadable)
    assert ("Retry-After" in answer.headers) == asking_helps
