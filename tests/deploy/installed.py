"""The wheel in a clean environment, and its programs run there as somebody without rights would."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import urlsplit

from tests.tidy.sources import ROOT

BUILD_S = 120
STOP_S = 30
NOBODY = "nobody"
# reads what root may read, as the interpreter may lie in root's home, and writes nothing but its own
CAPABILITIES = "-all,+dac_read_search"
UNPRIVILEGED = (
    *("setpriv", f"--reuid={NOBODY}", "--clear-groups", "--no-new-privs"),
    *(f"--inh-caps={CAPABILITIES}", f"--ambient-caps={CAPABILITIES}", f"--bounding-set={CAPABILITIES}"),
)


def built(folder: Path) -> tuple[Path, Path]:
    """A source distribution made from the checkout, and the wheel made from that, without git and without a network."""
    _run(sys.executable, "-m", "hatchling", "build", "--directory", str(folder), "--target", "sdist")
    (source,) = folder.glob("*.tar.gz")
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check")
    _run(sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", str(folder), str(source))
    (wheel,) = folder.glob("*.whl")
    return source, wheel


def requirements() -> list[str]:
    """The lines of requirements.txt, comments dropped."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


class Installed:
    """An environment with one wheel in it, and with what requirements.txt pins, as links into ours."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.bin = folder / "bin"
        self._python = str(self.bin / "python")
        venv.create(folder, with_pip=False, symlinks=True)
        (self.packages,) = (folder / "lib").glob("python*/site-packages")
        for requirement in requirements():
            self._link(requirement.partition("==")[0])
        self._pip("install", "--no-deps", "--no-index", str(wheel))

    def check(self) -> None:
        """Every dependency that the wheel names is there, in the version that it names."""
        self._pip("check")

    def run(
        self, *arguments: str, folder: Path, settings: dict[str, str] | None = None, timeout_s: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run one of its programs to the end, in `folder`, with the variables of `settings`."""
        return subprocess.run(
            [self.program(arguments[0]), *arguments[1:]],
            cwd=folder,
            env=self.environment(folder) | (settings or {}),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def program(self, name: str) -> str:
        """Where a program is, by its name or by where it will be on somebody's machine."""
        return str(self.bin / Path(name).name)

    def environment(self, home: Path) -> dict[str, str]:
        """The variables of a process that knows nothing of this checkout."""
        return {"PATH": f"{self.bin}:/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8"}

    @contextmanager
    def serving(self, command: list[str], folder: Path, settings: dict[str, str]) -> Iterator[str]:
        """The address of a server that runs meanwhile, in `folder`, which it is given, as nobody. It must end well."""
        log = folder.with_name(f"{folder.name}.log")
        nobody = UNPRIVILEGED if _is_root() else ()
        if nobody:
            shutil.chown(folder, NOBODY)
        with log.open("w", encoding="utf-8") as errors:
            process = subprocess.Popen(
                [*nobody, self.program(command[0]), *command[1:]],
                cwd=folder,
                env=self.environment(folder) | settings,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        try:
            line = process.stdout.readline() if process.stdout else ""
            found = re.search(r"is open: (http://\S+:\d+)", line)
            assert found, (line, log.read_text(encoding="utf-8"))
            yield f"http://127.0.0.1:{urlsplit(found.group(1)).port}"
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOP_S) == 0, log.read_text(encoding="utf-8")
        finally:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()

    def _link(self, name: str) -> None:
        for file in distribution(name).files or []:
            top = file.parts[0]
            if top not in ("..", "__pycache__") and not (self.packages / top).exists():
                (self.packages / top).symlink_to(Path(str(distribution(name).locate_file(top))))

    def _pip(self, *arguments: str) -> None:
        _run(sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", self._python, *arguments)


def foreign_files(folder: Path) -> list[Path]:
    """What in `folder` belongs to somebody else than who `serving` runs servers as."""
    owner = NOBODY if _is_root() else folder.owner()
    return [path for path in folder.rglob("*") if path.owner() != owner]


def _is_root() -> bool:
    return os.geteuid() == 0 and shutil.which("setpriv") is not None


def _run(*arguments: str) -> None:
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=BUILD_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
