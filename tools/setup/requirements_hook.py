"""Makes what requirements.txt pins the dependencies of the wheel, when hatchling builds it. Needs hatchling alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class RequirementsHook(MetadataHookInterface):
    """Fills in `dependencies`, which pyproject.toml calls dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Every line of requirements.txt that is neither blank nor a comment."""
        text = (Path(self.root) / "requirements.txt").read_text(encoding="utf-8")
        lines = (line.strip() for line in text.splitlines())
        metadata["dependencies"] = [line for line in lines if line and not line.startswith("#")]
