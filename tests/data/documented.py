"""The recording that the documentation shows."""

from __future__ import annotations

import re

from tests.tidy.sources import ROOT


def documented() -> str:
    """The example in the documentation."""
    found = re.search(r"^```csv\n(.*?)^```", (ROOT / "Documentation" / "recordings.md").read_text(), re.M | re.S)
    assert found
    return found[1]
