"""Scenario files: plans of faults on demand in TOML, and where in one a mistake is that the venue found.

Layer: tools.
"""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

READY: Final = Path(__file__).parents[1] / "config" / "faults"  # those that come with the venue
SUFFIX: Final = ".toml"
_field = re.compile(r"step\[([0-9]+)\](?:\.(\w+))?").match


class ScenarioError(Exception):
    """A file that is no scenario; the message says where."""


class Scenario:
    """One file: its plan, as it is sent to the venue."""

    def __init__(self, path: Path) -> None:
        """Read it, or the one of that name that comes with the venue. Raises ScenarioError."""
        ready = READY / f"{path}{SUFFIX}"
        self.path = path if path.exists() or not ready.exists() else ready
        try:
            self._text = self.path.read_text(encoding="utf-8")
            self.plan: dict[str, Any] = tomllib.loads(self._text, parse_float=Decimal)
        except FileNotFoundError as problem:
            names = ", ".join(sorted(file.stem for file in READY.glob(f"*{SUFFIX}")))
            raise ScenarioError(f"there is no file {self.path}; those that come with the venue: {names}") from problem
        except (OSError, ValueError) as problem:  # not to be read, no UTF-8 or no TOML
            raise ScenarioError(f"{self.path}: {problem}") from problem

    @property
    def description(self) -> str:
        """The comment that it begins with, in one line."""
        lines = []
        for line in self._text.splitlines():
            if not line.startswith("#"):
                break
            lines.append(line.removeprefix("#").strip())
        return " ".join(lines)

    @property
    def length_s(self) -> int | None:
        """When its last step is over, in seconds; None where one does not end by itself."""
        steps = self.plan.get("step", [])
        if any("for" not in step for step in steps):
            return None
        ends = [Decimal(str(step.get("at", 0))) + Decimal(str(step["for"])) for step in steps]  # as texts, too
        return int(max(ends, default=0))

    def place_of(self, field: str) -> str:
        """Where a field is: the file, and the line of it where it stands in one."""
        found = _field(field)
        line = self._line_of(r"\s*" + re.escape(field) + r"\s*=", 0) if found is None else self._line_in(found)
        return str(self.path) if line is None else f"{self.path}, line {line}"

    def _line_in(self, found: re.Match[str]) -> int | None:
        """The line of a field of a step, or where that step begins."""
        lines, number = self._text.splitlines(), int(found[1])
        heads = [at for at, line in enumerate(lines) if re.match(r"\s*\[\[\s*step\s*\]\]", line)]
        if number >= len(heads):
            return None
        head, following = heads[number], [*heads, len(lines)][number + 1]
        within = None if found[2] is None else self._line_of(rf"\s*{found[2]}\s*=", head)
        return within if within is not None and within <= following else head + 1

    def _line_of(self, pattern: str, begin: int) -> int | None:
        lines = enumerate(self._text.splitlines()[begin:], begin + 1)
        return next((at for at, line in lines if re.match(pattern, line)), None)


def ready_scenarios() -> list[Scenario]:
    """Those that come with the venue. Raises ScenarioError."""
    return [Scenario(path) for path in sorted(READY.glob(f"*{SUFFIX}"))]
