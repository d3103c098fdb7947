"""What the pages for traders and operators show works, as it is written; every command of the operator has its row."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from tests.access.cast import OPERATOR, with_operator
from tests.api.clients import PASSWORD, START_GRACE_S
from tests.server import ROOT
from tests.tidy.examples import BLOCK, DOCUMENTED_URL, examples, needs_curl, program, shell
from tests.tidy.pages import page, rows, section
from tools.operator import main


@needs_curl
@pytest.mark.parametrize("profile", ["sandbox", "secured"])
def test_the_examples_for_traders_go_as_they_are_told(tmp_path: Path, profile: str) -> None:
    with with_operator(tmp_path / "data", "--profile", profile) as server:
        (tour,) = examples("Documentation/accounts.md", "sh")
        before, deposited, entered, after, cancelled = shell(tour, server.url)
        assert funds(before) == ("100000", "0")
        assert funds(deposited) == ("100250.5", "0")
        assert entered["status"] == "resting"
        assert funds(after) == ("85743.25", "14507.25")
        assert cancelled["cancelled"] == [entered["order_id"]]
        time.sleep(START_GRACE_S)
        (code,) = examples("Documentation/accounts.md", "python")
        printed, _ = program(code, server.url, tmp_path).communicate(timeout=60)
        assert printed.splitlines() == ["resting 0.10000000", "1 open", "True"]


def funds(body: dict[str, object]) -> tuple[str, str]:
    """What is available and held of USDT."""
    balances: list[dict[str, str]] = body["balances"]  # type: ignore[assignment]
    (row,) = (row for row in balances if row["asset"] == "USDT")
    return row["available"], row["held"]


def test_the_commands_for_operators_work_as_they_are_written(tmp_path: Path) -> None:
    text = page("operators.md")
    (listing,) = (code for language, code in BLOCK.findall(text) if language == "toml")
    (commands,) = (code for language, code in BLOCK.findall(text) if language == "sh" and "login" in code)
    (tmp_path / "gold.toml").write_text(listing)
    commands = commands.replace("login ada", f"login {OPERATOR}")
    commands += f".venv/bin/python -m tools.operator list {tmp_path}/gold.toml\n"
    with with_operator(tmp_path / "data", "--profile", "secured") as server:
        options = f"--url {server.url} --session {tmp_path}/session.json"
        python = shlex.quote(sys.executable)  # whose path may have a space
        script = commands.replace(".venv/bin/python -m tools.operator", f"{python} -m tools.operator {options}")
        shell_command = ["sh", "-euc", script]
        done = subprocess.run(
            shell_command, cwd=ROOT, input=f"{PASSWORD}\n", capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        symbols = server.http.get("/symbols")["symbol_info"]
        assert (symbols["BTC-USDT"]["status"], symbols["GOLD-USDT"]["status"]) == ("halted", "trading")


def test_every_command_of_operators_has_its_row_and_every_option_too() -> None:
    described = {cells[0].split()[0] for cells in rows(section(page("operators.md"), "The command line"))} - {"command"}
    assert described == set(main.commands)
    options = {cells[0] for cells in rows(section(page("operators.md"), "Tiers and limits"))} - {"option"}
    offered = main.commands["configure"].params
    assert options == {item.opts[0] for item in offered if isinstance(item, click.Option)}


def test_every_route_of_operators_has_its_row() -> None:
    sources = sorted((ROOT / "api" / "operator").glob("*.py"))
    source = "".join(path.read_text(encoding="utf-8") for path in sources)
    text = page("operators.md")
    paths = re.findall(r'@routes\.(get|post|put|delete)\("([^"]+)"\)', source)
    assert paths
    for method, path in paths:
        named = re.sub(r"<(?:int:)?(\w+)>", r"{\1}", path)
        for action in re.findall(r"\w+", (re.search(r"<any\(([^)]*)\)", path) or [None, ""])[1] or "") or [""]:
            route = re.sub(r"<any\([^>]*>", action, named)
            assert f"{method.upper()} /admin{route} " in text


def test_the_documented_address_is_the_default() -> None:
    (url,) = (item for item in main.params if item.name == "url")
    assert url.default == DOCUMENTED_URL
