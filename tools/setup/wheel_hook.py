"""Puts prerequisites.py among the rooms of the wheel, when hatchling builds it. Needs hatchling alone."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WheelHook(BuildHookInterface[Any]):
    """Includes the one file at the top of the checkout that the rooms import."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Include it, but not in an editable installation, which finds the checkout's own."""
        if version != "editable":
            build_data["force_include"]["prerequisites.py"] = "openbell/venue/prerequisites.py"
