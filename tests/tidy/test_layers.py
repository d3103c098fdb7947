"""Arrows point at the engine and never back: the contracts in pyproject.toml hold."""

from __future__ import annotations

import subprocess
import sys
import tomllib

from tests.tidy.sources import ROOT

LINT_IMPORTS = (
    "import sys; sys.path.insert(0, 'client/src'); "  # where openbell_client is
    "from importlinter.cli import lint_imports_command; lint_imports_command()"
)


def test_every_import_contract_is_kept() -> None:
    outcome = subprocess.run(
        [sys.executable, "-c", LINT_IMPORTS, "--no-logo", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "0 broken" in outcome.stdout


# of the engine: they decide nothing
VALUES = {"types", "rulebook", "terms", "commands", "events", "rejects", "instrument"}


def test_the_naive_exchange_may_import_nothing_of_the_engine_that_decides() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = [c for c in pyproject["tool"]["importlinter"]["contracts"] if c["id"] == "second-exchange"]
    deciding = {path.stem for path in (ROOT / "engine").glob("[!_]*.py")} - VALUES
    assert set(contract["forbidden_modules"]) == {f"engine.{name}" for name in deciding}
    ours = {path.stem for path in (ROOT / "audit").glob("[!_]*.py")}
    with_engine = {
        "engine_side",
        "search",
        "reading",
        "report",
        "history_check",
        "verification",
        "verify",
    }  # what runs and reads, and judges nothing
    assert set(contract["source_modules"]) == {f"audit.{name}" for name in ours - with_engine}
