"""What deploy/ says to Prometheus and Grafana is understood by them, and shows figures of a server under load.

Grafana itself is in no package that we install: its dashboard is read by its makers' own classes, and every query of
it is asked of a real Prometheus.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.api.clients import START_GRACE_S, FeedClient, bearer, funded
from tests.deploy.files import DEPLOY, SETTINGS, interpolated, services
from tests.deploy.prometheus import FOLDER, Prometheus, config, prometheus
from tests.deploy.proxies import replaced
from tests.server import RunningServer
from tests.tidy.pages import page, rows, section

DASHBOARD = DEPLOY / "grafana" / "dashboards" / "openbell.json"
PROVISIONING = DEPLOY / "grafana" / "provisioning"
MONITORING = DEPLOY / "monitoring.yaml"
TOKEN = "a-token-of-monitoring-that-nobody-guesses"  # noqa: S105
GIVEN = {"POSTGRES_PASSWORD": "x", "GRAFANA_PASSWORD": "x", "METRICS_TOKEN": TOKEN}
SUFFIXES = re.compile(r"_(bucket|sum|count)$")
DRAWN_S = 90.0  # until every panel has something to draw, on a busy machine

needs_prometheus = pytest.mark.skipif(shutil.which("promtool") is None, reason="Prometheus is not installed")


def dashboard() -> dict[str, Any]:
    """The dashboard, as it lies in deploy/."""
    found: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return found


def panels() -> list[dict[str, Any]]:
    """Its panels, the titles of rows left out."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def alerts() -> list[dict[str, Any]]:
    """The alerts."""
    (group,) = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def lost(given: Any, read: Any, where: str = "") -> Iterator[str]:
    """What of a JSON value is not in what was made of it."""
    if isinstance(given, dict) and isinstance(read, dict):
        for name, value in given.items():
            yield from lost(value, read[name], f"{where}/{name}") if name in read else [f"{where}/{name}"]
    elif isinstance(given, list) and isinstance(read, list) and len(given) == len(read):
        for number, (one, other) in enumerate(zip(given, read, strict=True)):
            yield from lost(one, other, f"{where}/{number}")
    elif given != read:
        yield where


def test_grafanas_own_classes_read_the_dashboard_and_nothing_of_it_is_lost() -> None:
    register_default_plugins()
    given = dashboard()
    read = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(given)))
    assert list(lost(given, read)) == []
    given["panels"][1]["fieldConfig"]["defaults"]["unti"] = "s"
    read = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(given)))
    assert list(lost(given, read)) == ["/panels/1/fieldConfig/defaults/unti"]


def test_panels_stand_beside_one_another_and_have_ids_of_their_own() -> None:
    every = dashboard()["panels"]
    assert len({panel["id"] for panel in every}) == len(every)
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in every):
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_every_figure_that_is_drawn_or_alarmed_is_documented() -> None:
    documented = {cells[0] for cells in rows(section(page("metrics.md"), "Every figure"))}
    expressions = [target["expr"] for panel in panels() for target in panel["targets"]]
    named = re.findall(r"\b(?:openbell|process)_\w+", " ".join([*expressions, *(rule["expr"] for rule in alerts())]))
    assert {SUFFIXES.sub("", name) for name in named} <= documented
    assert len(set(named)) > 30


def test_the_five_alerts_are_documented_and_each_is_tried() -> None:
    names = [rule["alert"] for rule in alerts()]
    assert names == [cells[0] for cells in rows(section(page("metrics.md"), "Alerts"))][1:]
    assert len(names) == 5
    tried = yaml.safe_load((FOLDER / "alerts_test.yml").read_text(encoding="utf-8"))["tests"]
    raised = {test["alertname"] for each in tried for test in each["alert_rule_test"] if test["exp_alerts"]}
    assert raised == set(names)


def test_what_is_mounted_is_there_and_nothing_is_published_to_other_machines() -> None:
    text = yaml.safe_load(MONITORING.read_text(encoding="utf-8"))
    found = interpolated(text["services"], GIVEN)
    assert set(found) - set(services(GIVEN)) == {"prometheus", "grafana"}
    assert set(found["openbell"]["environment"]) <= SETTINGS
    for service in found.values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert (DEPLOY / source).exists() if source.startswith("./") else source in text["volumes"]
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        assert "image" not in service or re.fullmatch(r"[\w/-]+:v?\d+\.\d+\.\d+", service["image"])
    secret = f"/run/secrets/{found['openbell']['secrets'][0]}"
    assert found["openbell"]["environment"]["OPENBELL_METRICS_TOKEN_FILE"] == secret
    assert f"credentials_file: {secret}" in (FOLDER / "prometheus.yml").read_text(encoding="utf-8")
    assert text["secrets"] == {"metrics-token": {"environment": "METRICS_TOKEN"}}


def test_grafana_finds_its_source_and_the_dashboard_where_they_are_mounted() -> None:
    (source,) = yaml.safe_load((PROVISIONING / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards" / "openbell.yml").read_text())["providers"]
    mounted = yaml.safe_load(MONITORING.read_text(encoding="utf-8"))["services"]["grafana"]["volumes"]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in mounted
    assert "./grafana/provisioning:/etc/grafana/provisioning:ro" in mounted


@needs_prometheus
def test_promtool_takes_the_configuration_and_every_alert_is_raised_when_it_should(tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text(TOKEN)
    path = config("127.0.0.1:5000", token_file, tmp_path)
    for command in (["check", "config", str(path)], ["test", "rules", str(FOLDER / "alerts_test.yml")]):
        done = subprocess.run(["promtool", *command], capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr


@needs_prometheus
def test_promtool_takes_the_configuration_for_a_plain_host_as_the_documentation_has_it(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", section(page("operations.md"), "Monitoring"), re.DOTALL)
    token_file = tmp_path / "token"
    token_file.write_text(TOKEN)
    shutil.copy(FOLDER / "alerts.yml", tmp_path)
    path = tmp_path / "prometheus.yml"
    path.write_text(replaced(shown, {"/etc/openbell/metrics-token": str(token_file)}), encoding="utf-8")
    done = subprocess.run(
        ["promtool", "check", "config", path], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert yaml.safe_load(shown)["scrape_configs"][0]["job_name"] == "openbell"


class Load:
    """Orders that trade, are refused and end, what is no request, and a client of the feed."""

    def __init__(self, server: RunningServer) -> None:
        self._server = server
        self._signed_in = funded(server.http)
        self._feed = FeedClient(server.url, {"token": self._signed_in["token"]})
        self._feed.call("subscribe", {"type": "ticker", "symbol": "BTC-USDT"})

    def more(self) -> None:
        """A little of each."""
        limit = {"symbol": "BTC-USDT", "order_type": "limit", "quantity": "0.001", "side": "buy"}
        further: dict[str, str]
        for further in (
            {"price": "30000.00"},
            {"price": "30000.00", "side": "sell", "self_trade_prevention": "none"},
            {"price": "30000.001"},
            {"price": "20000.00", "time_in_force": "ioc"},
        ):
            self._server.http.call("POST", "/order", limit | further, bearer(self._signed_in))
        self._feed.call("ping", {})
        with socket.create_connection(("127.0.0.1", self._server.port), 30) as connection:
            connection.sendall(b"nonsense\r\n\r\n")
            connection.recv(1_000)

    def close(self) -> None:
        """End the client of the feed."""
        self._feed.close()


def undrawn(source: Prometheus) -> list[str]:
    """The queries of the dashboard that find nothing to draw."""
    found = []
    for panel in panels():
        for target in panel["targets"]:
            expression = target["expr"].replace("$__rate_interval", "10s").replace("$instance", ".*")
            if not source.numbers(expression):
                found.append(f"{panel['title']}: {expression}")
    return found


@needs_prometheus
def test_every_panel_draws_figures_of_a_server_under_load(tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text(TOKEN)
    token_file.chmod(0o600)
    secured = ("--profile", "secured", "--login-rate", "off")
    options = (*secured, "--metrics-token-file", str(token_file), "--snapshot-every", "20")
    with (
        RunningServer(tmp_path / "data", *options) as server,
        prometheus(f"127.0.0.1:{server.port}", token_file, tmp_path) as source,
    ):
        time.sleep(START_GRACE_S)
        load = Load(server)
        until = time.monotonic() + DRAWN_S
        while missing := undrawn(source):
            assert time.monotonic() < until, missing
            load.more()
            time.sleep(0.5)
        load.close()
        assert {rule["name"] for rule in source.asked("rules")["groups"][0]["rules"]} == {
            rule["alert"] for rule in alerts()
        }
        assert [rule["health"] for rule in source.asked("rules")["groups"][0]["rules"]] == ["ok"] * 5
