"""What runs before a commit are the tools that the gate runs, in the environment that make keeps."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.tidy.sources import ROOT

HOOKS: list[dict[str, Any]] = [
    hook
    for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    for hook in repository["hooks"]
    if repository["repo"] == "local"
]


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_runs_what_the_makefile_runs(hook: dict[str, Any]) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    entry = hook["entry"].replace(".venv/bin/python", "$(PY)")
    target = re.fullmatch(r"make (\w+)", entry)
    assert f"\n{target.group(1)}: " in makefile if target else f"{entry}" in makefile


def test_there_are_hooks_and_none_is_fetched() -> None:
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert len(HOOKS) == text.count("- id: ")
    assert "http" not in text
