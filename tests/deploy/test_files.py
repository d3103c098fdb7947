"""What deploy/ says fits the programs, the settings and one another."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from api.settings import Settings
from openbell.command import openbell
from tests.deploy.files import COMPOSE, DEPLOY, SETTINGS, UNIT, image, instructions, services, unit
from tests.tidy.sources import ROOT

GIVEN = {"POSTGRES_PASSWORD": "secret"}
MOST_EXPOSED = 20  # tenths, of systemd's own measure: from 0, locked up, to 100


def test_the_image_runs_a_command_as_somebody_without_rights(tmp_path: Path) -> None:
    container = image()
    assert container.entrypoint == ["openbell"]
    assert container.command[0] in openbell.commands
    assert container.health[:1] == ["openbell"]
    assert container.health[1] in openbell.commands
    assert container.user not in ("", "0", "root")
    assert container.folder == container.volume
    assert container.port == Settings().port
    assert unit(tmp_path).command[0] == "/opt/openbell/bin/openbell"


def test_every_variable_of_a_container_or_unit_is_a_setting(tmp_path: Path) -> None:
    composed = services(GIVEN)["openbell"]["environment"]
    named = {*image().environment, *composed, *unit(tmp_path).environment}
    assert sorted(named - SETTINGS) == []


def test_where_other_machines_can_connect_credentials_are_asked_for(tmp_path: Path) -> None:
    assert image().environment["OPENBELL_HOST"] == "0.0.0.0"  # noqa: S104 - of a container
    assert image().environment["OPENBELL_PROFILE"] == "secured"
    assert unit(tmp_path).environment["OPENBELL_PROFILE"] == "secured"


def test_all_that_is_written_lies_in_the_volume(tmp_path: Path) -> None:
    container = image()
    assert Path(container.environment["OPENBELL_DATA"]).is_relative_to(container.volume)
    mounted = [volume.partition(":")[2] for volume in services(GIVEN)["openbell"]["volumes"]]
    assert mounted == [container.volume]
    assert Path(unit(tmp_path).environment["OPENBELL_DATA"]).is_relative_to(tmp_path / "openbell")


def test_compose_connects_services_that_are_there() -> None:
    found = services(GIVEN)
    server, database = found["openbell"], found["postgres"]["environment"]
    user, name = database["POSTGRES_USER"], database["POSTGRES_DB"]
    assert server["environment"]["OPENBELL_IDENTITY_URL"] == f"postgresql://{user}:secret@postgres:5432/{name}"
    assert server["environment"]["OPENBELL_RATE_LIMIT_STORAGE"] == "redis://redis:6379/0"
    assert set(server["depends_on"]) == {"postgres", "redis"}
    assert all("healthcheck" in found[name] for name in server["depends_on"])
    assert [port.rpartition(":")[0] for port in server["ports"]] == [f"127.0.0.1:{image().port}"]
    assert (COMPOSE.parent / server["build"]["context"]).resolve() == ROOT
    assert (ROOT / server["build"]["dockerfile"]).is_file()


def test_no_password_of_compose_is_written_down() -> None:
    with pytest.raises(KeyError, match="POSTGRES_PASSWORD"):
        services({})


def test_every_volume_of_compose_is_declared() -> None:
    used = {volume.partition(":")[0] for service in services(GIVEN).values() for volume in service.get("volumes", [])}
    assert used == set(yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["volumes"])


def test_the_image_is_built_without_what_only_a_checkout_has() -> None:
    left_out = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()]
    assert {".git", *(name for name in ignored if not name.startswith(("__", "*", ".")))} <= set(left_out)


def test_a_line_that_goes_on_is_one_instruction() -> None:
    assert instructions("# a\nRUN x \\\n    y\n\nuser 1\n") == [("RUN", "x      y"), ("USER", "1")]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_unit_and_finds_it_locked_up(tmp_path: Path) -> None:
    program = tmp_path / "openbell"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text(encoding="utf-8").replace("/opt/openbell/bin/openbell", str(program)), "utf-8")
    verified = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    measure = ["systemd-analyze", "security", "--offline=yes", f"--threshold={MOST_EXPOSED}", str(copy)]
    measured = subprocess.run(measure, capture_output=True, text=True, check=False)
    assert measured.returncode == 0, measured.stdout + measured.stderr


def test_nothing_else_lies_in_the_folder_untested() -> None:
    known = [
        "Dockerfile",
        "compose.yaml",
        "haproxy-doors.cfg",
        "haproxy.cfg",
        "nginx.conf",
        "openbell.service",
    ]  # proxies: test_proxies.py
    monitored = ["grafana", "monitoring.yaml", "prometheus"]  # test_monitoring.py
    assert sorted(path.name for path in DEPLOY.iterdir()) == sorted(known + monitored)
