"""Where the rooms are: beside this package in a checkout, inside it once installed."""

import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_INSTALLED = _HERE / "venue"  # pyproject.toml, [tool.hatch.build.targets.wheel]
HOME = _INSTALLED if _INSTALLED.is_dir() else _HERE.parent


def make_importable() -> None:
    """Let this process import the rooms, before anything else of the same name. Idempotent."""
    if str(HOME) not in sys.path:
        sys.path.insert(0, str(HOME))
