"""The command `openbell`: it lists every program, passes arguments on as they are, and completes."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import openbell
from openbell.command import COMPLETION_VARIABLE, LazyCommand
from openbell.command import openbell as command
from openbell.programs import PROGRAMS, Program, called
from tests.tidy.sources import ROOT

IMPORTED = "import sys, openbell.command; print(*({'api', 'tools', 'flask', 'eventlet'} & set(sys.modules)))"


@pytest.fixture(autouse=True)
def started_as_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `openbell.__main__` starts it."""
    monkeypatch.setattr(sys, "argv", ["openbell"])


def said(*arguments: str) -> str:
    """What the command prints before it ends well."""
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def completed(line: str) -> list[str]:
    """What the shell is offered for the last word of a line."""
    words = line.split(" ")
    environment = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), COMPLETION_VARIABLE: "bash_complete"}
    done = subprocess.run(
        [sys.executable, "-c", "from openbell.command import openbell; openbell(prog_name='openbell')"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return [offered.partition(",")[2] for offered in done.stdout.split()]


def test_help_lists_every_program_with_a_line_that_is_not_cut() -> None:
    shown = said("--help")
    for name, program in PROGRAMS.items():
        assert f"  {name} " in shown
        assert program.help in shown


def test_every_command_has_its_row_in_the_documentation(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "Documentation" / "operations.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `openbell ")]
    assert [name for name in command.commands if not any(f"`openbell {name}`" in row for row in rows)] == []
    monkeypatch.setattr(sys, "argv", ["-m"])
    named = {f"python -m {module}" for row in rows for module in re.findall(r"/python -m ([\w.]+)", row)}
    assert named <= {called(name) for name in PROGRAMS}


def test_listing_the_programs_imports_none_of_them() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTED], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_program_tells_its_own_options_under_the_name_it_was_called_by(name: str) -> None:
    assert said(name, "--help").lower().startswith(f"usage: openbell {name} ")


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_program_can_be_started_without_the_command(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["-m"])
    _, dash_m, module = called(name).split(" ")
    assert dash_m == "-m"
    assert callable(import_module(PROGRAMS[name].module).main)
    assert PROGRAMS[name].module in (module, f"{module}.__main__")


def test_arguments_are_passed_on_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def main() -> int:
        seen.append(sys.argv)
        return 3

    module = type(sys)("program_of_a_test")
    module.main = main  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    lazy = LazyCommand("mine", Program(module.__name__, "Mine."))
    arguments = ["--an-option", "-x", "a b", "--", "--help", "-h"]
    with pytest.raises(SystemExit) as ended:
        lazy.main(arguments)
    assert (ended.value.code, seen) == (3, [["openbell mine", *arguments]])


def test_the_version_is_that_of_the_package() -> None:
    assert said("--version") == f"Openbell, version {openbell.__version__}\n"
    assert said("serve", "--version") == f"Openbell, version {openbell.__version__}\n"


def test_a_mistake_ends_with_status_2_and_says_whose_it_is() -> None:
    result = CliRunner().invoke(command, ["serve", "--no-such-option"])
    assert result.exit_code == 2
    assert result.output.startswith("Usage: openbell serve ")


@pytest.mark.parametrize("name", ["default", "replay", "sessions"])
def test_the_instruments_files_come_with_it(name: str) -> None:
    assert said("instruments", name) == (ROOT / "config" / f"{name}.toml").read_text(encoding="utf-8")


def test_every_instruments_file_is_offered() -> None:
    (argument,) = (one for one in command.commands["instruments"].params if isinstance(one.type, click.Choice))
    assert isinstance(argument.type, click.Choice)
    assert sorted(argument.type.choices) == sorted(path.stem for path in (ROOT / "config").glob("*.toml"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script_that_completes(shell: str) -> None:
    assert COMPLETION_VARIABLE in said("completion", shell)


def test_programs_and_their_options_are_completed() -> None:
    assert completed("openbell re") == ["replay", "rebuild"]
    assert completed("openbell serve --ident") == ["--identity-url"]
    assert completed("openbell users cr") == ["create"]


def test_it_runs_as_a_module_of_the_checkout(tmp_path: Path) -> None:
    asked = [sys.executable, "-m", "openbell", "rebuild", "--data", str(tmp_path / "none")]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: openbell rebuild ")
