"""The settings: file < environment < command line, and every mistake in them is a sentence."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from api.app import main
from api.options import OPTIONS, options, settings_from
from api.settings import Settings
from tests.server import ROOT, command, environment


@click.command(context_settings={"auto_envvar_prefix": "OPENBELL"})
@options
def show(**values: Any) -> None:
    """Print the settings instead of serving with them."""
    settings = settings_from(values)
    click.echo(json.dumps({name: getattr(settings, name) for name in Settings.__struct_fields__}, default=str))


def run(*arguments: str, environment: dict[str, str] | None = None) -> Result:
    """Parse `arguments` as the server does."""
    clean: dict[str, str | None] = {
        f"OPENBELL_{name.upper()}": None for name in (*Settings.__struct_fields__, "config")
    }
    return CliRunner().invoke(show, arguments, env=clean | (environment or {}))


def parsed(*arguments: str, environment: dict[str, str] | None = None) -> dict[str, Any]:
    """The settings that come of `arguments`."""
    result = run(*arguments, environment=environment)
    assert result.exit_code == 0, result.output
    settings: dict[str, Any] = json.loads(result.output)
    return settings


def refusal(*arguments: str, environment: dict[str, str] | None = None) -> str:
    """What is said of arguments that cannot be used, on one line."""
    result = run(*arguments, environment=environment)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return " ".join(result.output.replace("│", " ").split())


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A file of settings."""
    path = tmp_path / "openbell.toml"
    path.write_text(
        'port = 1111\nmax_batch = 11\nmax_waiting = 111\ncors_origins = ["https://a.example"]\ndebug = true\n'
    )
    return path


def test_without_anything_each_setting_has_its_default() -> None:
    assert parsed() == json.loads(
        json.dumps({name: getattr(Settings(), name) for name in Settings.__struct_fields__}, default=str)
    )


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(config: Path) -> None:
    settings = parsed(
        "--config", str(config), "--port", "3333", environment={"OPENBELL_PORT": "2222", "OPENBELL_MAX_BATCH": "22"}
    )
    assert (settings["port"], settings["max_batch"], settings["max_waiting"]) == (3333, 22, 111)
    assert (settings["cors_origins"], settings["debug"]) == (["https://a.example"], True)


def test_the_file_may_be_named_in_the_environment(config: Path) -> None:
    assert parsed(environment={"OPENBELL_CONFIG": str(config)})["port"] == 1111


def test_settings_that_may_be_given_several_times() -> None:
    several = ["--cors-origins", "https://a.example", "--cors-origins", "https://b.example"]
    assert parsed(*several)["cors_origins"] == ["https://a.example", "https://b.example"]
    in_environment = {"OPENBELL_TRUSTED_HOSTS": "a.example b.example"}
    assert parsed(environment=in_environment)["trusted_hosts"] == ["a.example", "b.example"]


def test_an_unknown_setting_in_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "openbell.toml"
    path.write_text("port = 1\nprot = 2\nspeed = 3\n")
    assert f"{path}: no such setting: prot, speed" in refusal("--config", str(path))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"port = ", "openbell.toml"),
        (b"\xff\xfe", "openbell.toml"),
        (b'port = "high"', "not a valid integer"),
        (b"port = 70000", "not in the range"),
        (b"max_batch = 0", "not in the range"),
        (b'profile = "live"', "is not one of 'sandbox', 'secured'"),
        (b'cors_origins = "https://a.example"', "cors_origins"),
        (b'instruments = "nowhere.toml"', "nowhere.toml"),
    ],
)
def test_a_mistake_in_the_file_is_a_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "openbell.toml"
    path.write_bytes(content)
    assert said in refusal("--config", str(path)).replace("-", "_") or said in refusal("--config", str(path))


@pytest.mark.parametrize(
    "rate", ["10", "10/day", "0/minute", "-1/minute", "ten/minute", "10/minute/second", "", "1_0/minute", "٣/minute"]
)
def test_a_rate_limit_is_a_count_over_a_time(rate: str) -> None:
    assert "write COUNT/second, COUNT/minute, COUNT/hour or off" in refusal("--rate-limit", rate)


@pytest.mark.parametrize("rate", ["10/second", "10000/minute", "1/hour", "off"])
def test_rate_limits_that_are_understood(rate: str) -> None:
    assert parsed("--rate-limit", rate)["rate_limit"] == rate


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_loopback_needs_no_permission(host: str) -> None:
    assert parsed("--host", host)["host"] == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "exchange.example"])  # noqa: S104
def test_other_addresses_need_permission(host: str) -> None:
    assert f"--host {host} would let other machines trade" in refusal("--host", host)
    assert parsed("--host", host, "--allow-remote")["host"] == host


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("--door-port 5101", "--door-port goes with --front-doors"),
        ("--front-doors 4 --port 5000 --door-port 4998", "door 3 would have the port of all, 5000"),
        ("--node a", "go with --cluster"),
        ("--node-listen 127.0.0.1:5100", "go with --cluster"),
        ("NODE --front-doors 2", "--front-doors and --cluster do not go together"),
        ("NODE --journal drop", "--journal drop and --cluster do not go together"),
        ("NODE --door-port 5101", "--door-port goes with --front-doors"),
        ("NODE --node-listen 0.0.0.0:5100", "other nodes are told this address"),
        ("NODE --node-listen [::]:5100", "other nodes are told this address"),
        ("NODE --node-listen 192.0.2.1:5100", "needs --cluster-ca"),
        ("NODE --host 0.0.0.0 --allow-remote", "--host 0.0.0.0 needs --node-url"),
        ("NODE --node-url https://a.example/", "write http://HOST:PORT"),
        ("NODE --node-url https://A.example:5001", "in small letters"),
        ("NODE --node-url https://a.example:443", "write http://HOST:PORT"),
        ("NODE --node-url http://[::::]:5001", "write http://HOST:PORT"),
        ("NODE --node-url http://a.example:99999", "write http://HOST:PORT"),
        ("NODE --node-url a.example:5001", "write http://HOST:PORT"),
    ],
)
def test_settings_of_doors_and_nodes_that_contradict_each_other_are_refused(
    tmp_path: Path, given: str, said: str
) -> None:
    assert said in refusal(*_node(given, tmp_path))


@pytest.mark.parametrize(
    "given",
    [
        "--front-doors 2 --port 5000 --door-port 5001",
        "NODE",
        "NODE --host ::1 --node-url http://[::1]:5001",
        "NODE --node-url https://a.example",
    ],
)
def test_settings_of_doors_and_nodes_that_agree(tmp_path: Path, given: str) -> None:
    parsed(*_node(given, tmp_path))


def _node(given: str, folder: Path) -> list[str]:
    """The arguments of `given`, in which NODE stands for what every node needs."""
    node = "--cluster http://127.0.0.1:2379 --node a --identity-url sqlite:///users --secret-file"
    words = given.split()
    return [*node.split(), str(folder / "secret.key"), *words[1:]] if words[0] == "NODE" else words


def test_the_help_explains_every_setting() -> None:
    printed = CliRunner().invoke(main, ["--help"], terminal_width=200).output
    for name in Settings.__struct_fields__:
        assert f"--{name.replace('_', '-')}" in printed
    described = {parameter.name: parameter.help for parameter in show.params if isinstance(parameter, click.Option)}
    assert len(described) == len(OPTIONS)
    assert described.keys() - {"config"} == set(Settings.__struct_fields__)
    for name, help_text in described.items():
        assert (help_text or "").endswith("."), name


def test_the_program_run_as_a_script_says_its_help() -> None:
    printed = subprocess.run(
        command("-h"), cwd=ROOT, env=environment({}), capture_output=True, text=True, timeout=60, check=True
    )
    assert "--cors-origins" in printed.stdout
    assert printed.stderr == ""
