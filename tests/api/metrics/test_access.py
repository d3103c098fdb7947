"""Who may read the figures, and what the token of monitoring is good for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.metrics.access import MetricsAccess
from tests.access.cast import operator, with_operator
from tests.api.clients import bearer, sign_up
from tests.api.metrics.figures import samples
from tests.server import RunningServer

TOKEN = "a-token-of-monitoring-that-nobody-guesses"  # noqa: S105


def shown(token: str) -> dict[str, str]:
    """The header that shows a token."""
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("access")
    token_file = folder / "metrics-token"
    token_file.write_text(f"{TOKEN}\n")
    token_file.chmod(0o600)
    options = ("--profile", "secured", "--login-rate", "off", "--metrics-token-file", str(token_file))
    with with_operator(folder / "data", *options) as running:
        yield running


def test_monitoring_reads_with_its_token_and_an_operator_with_a_session(server: RunningServer) -> None:
    assert samples(server.http, shown(TOKEN))
    assert samples(server.http, operator(server.http).bearer)


@pytest.mark.parametrize("token", ["x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), ""])
def test_another_token_is_refused(server: RunningServer, token: str) -> None:
    server.http.call("GET", "/metrics", None, shown(token)).refused(401, "BAD_TOKEN")


def test_nobody_else_reads_them(server: RunningServer) -> None:
    server.http.call("GET", "/metrics").refused(401, "UNAUTHENTICATED")
    server.http.call("GET", "/metrics", None, bearer(sign_up(server.http))).refused(403, "OPERATOR_NEEDED")
    server.http.call("GET", "/metrics", None, {"Authorization": f"Basic {TOKEN}"}).refused(401, "BAD_TOKEN")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/account"), ("GET", "/orders"), ("POST", "/order"), ("DELETE", "/orders"), ("GET", "/admin/check")],
)
def test_the_token_opens_nothing_else(server: RunningServer, method: str, path: str) -> None:
    server.http.call(method, path, {} if method == "POST" else None, shown(TOKEN)).refused(401, "BAD_TOKEN")


def test_no_figure_is_by_account_or_says_the_token(server: RunningServer) -> None:
    text = server.http.call("GET", "/metrics", None, shown(TOKEN)).content.decode()
    assert TOKEN not in text
    assert TOKEN not in server.log
    assert {name for labels in re.findall(r"\{(.*?)\}", text) for name in re.findall(r'(\w+)="', labels)} <= {
        "code", "edition", "event", "follower", "kind", "le", "method", "part", "process", "python", "reason", "route",
        "status", "symbol", "transport", "version",
    }  # fmt: skip


@pytest.mark.parametrize("content", ["", "short", "two words that are long enough in all", "\u00e9" * 40])
def test_a_file_without_a_good_token_is_refused(tmp_path: Path, content: str) -> None:
    token_file = tmp_path / "token"
    token_file.write_text(content, "utf-8")
    with pytest.raises(OSError, match="write one word of at least 32 characters"):
        MetricsAccess(token_file, sandbox=False)


def test_a_server_without_a_good_token_ends_its_start_with_a_sentence(tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text("short")
    server = RunningServer(tmp_path / "data", "--metrics-token-file", str(token_file))
    assert server.fails_to_start()[0] == 1
    said = " ".join(server.log.split())
    assert f"Error: --metrics-token-file {token_file}: write one word of at least 32 characters" in said
    assert "Traceback" not in said
