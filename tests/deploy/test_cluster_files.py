"""What deploy/ has for the machines of a cluster fits the settings, etcd's flags, systemd and one another."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.options import settings_from
from api.settings import Settings
from tests.deploy.files import DEPLOY, SETTINGS, image
from tests.etcd import needs_etcd

NODE, ETCD = DEPLOY / "openbell-node.service", DEPLOY / "openbell-etcd.service"
COMPOSE = DEPLOY / "compose-node.yaml"
PROGRAMS = {NODE: "/opt/openbell/bin/openbell", ETCD: "/usr/bin/etcd"}


def variables(name: str) -> dict[str, str]:
    """What a file of settings gives."""
    lines = (DEPLOY / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def environment_of(unit: Path) -> dict[str, str]:
    """What a unit gives by itself."""
    return dict(re.findall(r"^Environment=(\w+)=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE))


def etcd_words(text: str) -> list[str]:
    """etcd's flags as the unit starts it, without where its data is."""
    command = re.search(r"^ExecStart=(.*)$", text.replace("\\\n", " "), re.MULTILINE)
    assert command is not None
    words = shlex.split(command[1])[1:]
    at = words.index("--data-dir")
    return words[:at] + words[at + 2 :]


def environment_of_container() -> dict[str, str]:
    """What the Compose file gives a node by itself, over what the image gives."""
    composed: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return image().environment | composed["services"]["node"]["environment"]


@pytest.mark.parametrize("own", [environment_of(NODE), environment_of_container()], ids=["unit", "container"])
def test_the_settings_of_a_node_are_ours_and_agree_with_one_another(own: dict[str, str]) -> None:
    given = own | variables("node.env")
    assert sorted(set(given) - SETTINGS) == []
    named = {name.removeprefix("OPENBELL_").lower(): value for name, value in given.items()}
    paths = {name for name, kind in Settings.__annotations__.items() if "Path" in str(kind)}
    settings = settings_from({name: Path(value) if name in paths else value for name, value in named.items()})
    assert (settings.node, settings.profile, settings.sandbox) == ("a", "secured", False)


@needs_etcd
def test_the_settings_and_flags_of_a_member_are_etcds() -> None:
    said = subprocess.run(["etcd", "--help"], capture_output=True, text=True, timeout=20, check=False)
    known = set(re.findall(r"--([a-z][a-z-]+)", said.stdout + said.stderr))
    named = {name.removeprefix("ETCD_").lower().replace("_", "-") for name in variables("etcd.env")}
    flags = {
        word.removeprefix("--").partition("=")[0] for word in etcd_words(ETCD.read_text()) if word.startswith("--")
    }
    assert sorted((named | flags) - known) == []


def test_containers_are_given_what_units_are() -> None:
    services: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    node, etcd = services["services"]["node"], services["services"]["etcd"]
    composed = [word for word in etcd["command"][1:] if not word.startswith("--data-dir=")]
    assert shlex.split(" ".join(composed).replace("=", " ")) == [
        part for word in etcd_words(ETCD.read_text(encoding="utf-8")) for part in word.split("=")
    ]
    assert {Path(each["env_file"][0]).name for each in (node, etcd)} == {"node.env", "etcd.env"}
    kept = {volume.partition(":")[0] for each in (node, etcd) for volume in each["volumes"] if volume[0] != "/"}
    assert kept == set(services["volumes"])
    assert image().volume in {volume.split(":")[1] for volume in node["volumes"]}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("unit", [NODE, ETCD], ids=lambda unit: unit.stem)
def test_systemd_takes_the_units(unit: Path, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text(encoding="utf-8").replace(PROGRAMS[unit], str(program)), "utf-8")
    verified = subprocess.run(
        ["systemd-analyze", "verify", copy], capture_output=True, text=True, timeout=60, check=False
    )
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
