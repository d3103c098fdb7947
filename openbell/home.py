"""Where the rooms are: beside this package in a checkout, inside it once installed."""

import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_INSTALLED = _HERE / "venue"  # pyproject.toml, [tool.hatch.build.targets.wheel]
HOME = _INSTALLED if _INSTALLED.is_dir() else _HERE.parent


def make_importable() -> None:
    """Let this process import the rooms, before anything else of the same name. Idempotent."""
    first = str(HOME)
    sys.path[:] = [first, *(path for path in sys.path if path != first)]  # an editable install has it last
