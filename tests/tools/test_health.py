"""The health check asks the server that the same environment starts."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tests.ports import free_port
from tests.server import ROOT, RunningServer, eventually
from tools.health import main, own_url


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({}, "http://127.0.0.1:5000"),
        ({"OPENBELL_PORT": "8080"}, "http://127.0.0.1:8080"),
        ({"OPENBELL_PORT": "", "OPENBELL_TLS_CERT": ""}, "http://127.0.0.1:5000"),
        ({"OPENBELL_TLS_CERT": "/etc/cert.pem"}, "https://127.0.0.1:5000"),
        ({"OPENBELL_HOST": "0.0.0.0"}, "http://127.0.0.1:5000"),  # noqa: S104
        ({"OPENBELL_HOST": "::"}, "http://[::1]:5000"),
        ({"OPENBELL_HOST": "::1", "OPENBELL_PORT": "1"}, "http://[::1]:1"),
        ({"OPENBELL_HOST": "192.0.2.1"}, "http://192.0.2.1:5000"),
        ({"OPENBELL_HOST": "localhost"}, "http://localhost:5000"),
    ],
)
def test_it_asks_where_the_settings_of_the_server_say(environment: dict[str, str], url: str) -> None:
    assert own_url(environment) == url


def test_the_file_of_settings_counts_behind_the_environment(tmp_path: Path) -> None:
    config = tmp_path / "venue.toml"
    config.write_text('port = 6001\ntls_cert = "cert.pem"\n', encoding="utf-8")
    assert own_url({"OPENBELL_CONFIG": str(config)}) == "https://127.0.0.1:6001"
    assert own_url({"OPENBELL_CONFIG": str(config), "OPENBELL_PORT": "6002"}) == "https://127.0.0.1:6002"
    with pytest.raises(click.UsageError, match="nowhere"):
        own_url({"OPENBELL_CONFIG": "nowhere"})


def test_a_port_that_only_the_server_knows_has_to_be_given() -> None:
    with pytest.raises(click.UsageError, match="--url"):
        own_url({"OPENBELL_PORT": "0"})


def test_an_address_that_is_given_counts_before_the_settings() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    result = CliRunner().invoke(main, env={"OPENBELL_URL": url, "OPENBELL_PORT": "0"})
    assert (result.exit_code, result.output.partition(":")[0]) == (1, "Error")
    assert f"{url} takes no orders" in result.output


def test_a_server_with_a_certificate_of_its_own_is_healthy_by_its_environment(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    cert, key = certificate
    port = free_port()
    server = RunningServer(tmp_path / "data", "--tls-cert", str(cert), "--tls-key", str(key))
    server.start(port)
    asked = [sys.executable, "-m", "tools.health"]
    environment = {"OPENBELL_PORT": str(port), "OPENBELL_TLS_CERT": str(cert)}
    try:
        done = subprocess.run(asked, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)
    finally:
        server.stop()
    assert (done.returncode, done.stdout) == (0, f"https://127.0.0.1:{port} takes orders\n"), done.stderr


def test_the_figures_are_shown_in_words(tmp_path: Path) -> None:
    order = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.1", "price": "1.00"}
    with RunningServer(tmp_path / "data") as server:
        server.http.post("/order", order).granted()
        eventually(lambda: b"process_resident_memory_bytes" in server.http.call("GET", "/metrics").content)
        time.sleep(1)
        result = CliRunner().invoke(main, ["--url", server.url, "--figures"])
    assert result.exit_code == 0, result.output
    shown = dict(re.split(r" {2,}", line, maxsplit=1) for line in result.output.splitlines()[:-1])
    assert result.output.splitlines()[-1] == f"{server.url} takes orders"
    assert (shown["orders, trades"], shown["open orders"]) == ("1, 0", "1")
    assert re.fullmatch(r"half within [\d.]+ ms, 99 % within [\d.]+ ms", shown["POST /order"])
    assert re.fullmatch(r"\d+ records, [\d.]+ s", shown["behind: historian"])
    assert re.search(r"server [\d.]+ MB", shown["memory"])


def test_who_may_not_see_the_figures_is_referred_to_the_token(secured: RunningServer) -> None:
    result = CliRunner().invoke(main, ["--url", secured.url, "--figures"])
    assert result.exit_code == 1
    assert "it answers 401; name the file of its token, --metrics-token-file" in result.output


def test_why_a_server_takes_no_orders_is_said(tmp_path: Path) -> None:
    order = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.1", "price": "1.00"}
    with RunningServer(tmp_path / "data") as server:
        server.limit_files(0)
        server.http.post("/order", order).refused(503, "NOT_ACCEPTING")
        result = CliRunner().invoke(main, ["--url", server.url])
    assert result.exit_code == 1
    assert f"{server.url} takes no orders: the journal failed" in result.output
