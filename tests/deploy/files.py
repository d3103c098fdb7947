"""Reads the files in deploy/ as Docker, Compose and systemd would, as far as the tests need."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from api.options import ENVIRONMENT_PREFIX
from api.settings import Settings
from tests.tidy.sources import ROOT

DEPLOY = ROOT / "deploy"
DOCKERFILE = DEPLOY / "Dockerfile"
COMPOSE = DEPLOY / "compose.yaml"
UNIT = DEPLOY / "openbell.service"
SETTINGS = {f"{ENVIRONMENT_PREFIX}_{name}".upper() for name in Settings.__struct_fields__}
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


class Image(NamedTuple):
    """What the last stage of the Dockerfile says of a container."""

    user: str
    folder: str  # its working directory
    volume: str
    port: int
    environment: dict[str, str]
    entrypoint: list[str]
    command: list[str]
    health: list[str]


def instructions(text: str) -> list[tuple[str, str]]:
    """Each instruction of a Dockerfile and what follows it, comments dropped and lines joined."""
    kept = "\n".join(line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    lines = kept.replace("\\\n", " ").splitlines()
    return [(word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def image() -> Image:
    """The container that deploy/Dockerfile makes."""
    found = instructions(DOCKERFILE.read_text(encoding="utf-8"))
    last = max(number for number, (word, _) in enumerate(found) if word == "FROM")
    stage = dict(found[last:])  # of each instruction the last: RUN and COPY are not asked for
    environment = dict(part.split("=", 1) for part in shlex.split(stage["ENV"]))
    return Image(
        user=stage["USER"],
        folder=stage["WORKDIR"],
        volume=stage["VOLUME"],
        port=int(stage["EXPOSE"]),
        environment=environment,
        entrypoint=json.loads(stage["ENTRYPOINT"]),
        command=json.loads(stage["CMD"]),
        health=json.loads(stage["HEALTHCHECK"].partition("CMD ")[2]),
    )


def interpolated(value: Any, given: dict[str, str]) -> Any:
    """A value of the compose file with its `${NAME}` filled in. Raises KeyError for one that must be given."""
    if isinstance(value, dict):
        return {key: interpolated(inner, given) for key, inner in value.items()}
    if isinstance(value, list):
        return [interpolated(inner, given) for inner in value]
    if not isinstance(value, str):
        return value

    def filled(match: re.Match[str]) -> str:
        name, how, text = match.groups()
        return given.get(name, text) if how == "-" else given[name]

    return VARIABLE.sub(filled, value)


def services(given: dict[str, str]) -> dict[str, dict[str, Any]]:
    """The services of deploy/compose.yaml."""
    found: dict[str, dict[str, Any]] = interpolated(yaml.safe_load(COMPOSE.read_text(encoding="utf-8")), given)
    return found["services"]


class Unit(NamedTuple):
    """What the systemd unit says of the process."""

    command: list[str]
    environment: dict[str, str]
    folder: str
    settings: dict[str, list[str]]  # every line of [Service]


def unit(state: Path) -> Unit:
    """The process of deploy/openbell.service, where systemd keeps state in the folder `state`."""
    lines: dict[str, list[str]] = {}
    for line in UNIT.read_text(encoding="utf-8").partition("[Service]")[2].partition("[Install]")[0].splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            lines.setdefault(key, []).append(value.replace("%S", str(state)))
    return Unit(
        command=shlex.split(lines["ExecStart"][0]),
        environment=dict(value.split("=", 1) for value in lines["Environment"]),
        folder=lines["WorkingDirectory"][0],
        settings=lines,
    )
