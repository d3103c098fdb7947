"""Virtual environments with the clients that people already have, each in one of its own, made when a test needs it.

They lie in `.venv/clients/`, beside the project's own packages and never among them: a library that is tried here
brings its dependencies, at versions that the server need not agree with. One that is complete is used again until its
requirements change. Whoever makes one holds a lock, so that two processes of tests do not both install.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.server import ROOT

REQUIREMENTS: Final = Path(__file__).with_name("requirements")
CACHE_VARIABLE: Final = "OPENBELL_CLIENTS_CACHE"
INSTALL_S: Final = 600  # with a slow network
COMPLETE: Final = "complete"  # a file that is written last


def library_names() -> list[str]:
    """What can be installed: the names of the requirements files."""
    return sorted(path.stem for path in REQUIREMENTS.glob("*.txt"))


def interpreter(library: str) -> Path:
    """The Python that has `library`, installed now if it is not yet. Raises subprocess errors of pip."""
    requirements = REQUIREMENTS / f"{library}.txt"
    wanted = requirements.read_bytes() + sys.version.encode()
    folder = _cache() / f"{library}-{hashlib.sha256(wanted).hexdigest()[:16]}"
    python = folder / "bin" / "python"
    if (folder / COMPLETE).exists():
        return python
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{library}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / COMPLETE).exists():
            _install(folder, requirements)
    return python


def _install(folder: Path, requirements: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)  # what another left half done
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=INSTALL_S)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    options = ["--retries", "8", "--timeout", "60", "--requirement", str(requirements)]
    subprocess.run([*pip, *options], check=True, timeout=INSTALL_S)
    (folder / COMPLETE).touch()


def _cache() -> Path:
    """Where the environments lie: `.venv/clients`, or what OPENBELL_CLIENTS_CACHE names."""
    return Path(os.environ.get(CACHE_VARIABLE) or ROOT / ".venv" / "clients")
