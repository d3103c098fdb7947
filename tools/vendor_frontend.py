"""Copies the few npm files the page and its tests need into vendor folders, so that node is not needed to run.

    python -m tools.vendor_frontend           # write the folders from package-lock.json
    python -m tools.vendor_frontend --check   # say whether they are up to date; exit 1 when not

`npm ci` installs into a temporary folder, and itself refuses a package whose integrity
differs from the lock file. The source maps are left out, and so are the comments that name
them: a browser's developer tools would ask for them and log a 404.
Layer: tools.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess  # nosec B404 # for npm
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "frontend" / "vendor"
TESTS_VENDOR = ROOT / "tests" / "browser" / "vendor"


class Library(NamedTuple):
    """One npm package that the page imports."""

    package: str
    scripts: dict[str, str]  # name in frontend/vendor: path in the package
    licence: str  # name in frontend/vendor
    bundled: tuple[str, ...] = ()  # further packages that its scripts are made of


LIBRARIES = (
    Library("htm", {"htm.module.js": "dist/htm.module.js"}, "htm.LICENCE.txt"),
    Library(
        "lightweight-charts",
        {"lightweight-charts.mjs": "dist/lightweight-charts.standalone.production.mjs"},
        "lightweight-charts.LICENCE.txt",
        ("fancy-canvas",),
    ),
    Library(
        "preact",
        {"preact.module.js": "dist/preact.module.js", "preact-hooks.module.js": "hooks/dist/hooks.module.js"},
        "preact.LICENCE.txt",
    ),
    Library(
        "socket.io-client",
        {"socket.io.esm.min.js": "dist/socket.io.esm.min.js"},
        "socket.io.LICENCE.txt",
        ("engine.io-client", "socket.io-parser", "engine.io-parser", "@socket.io/component-emitter"),
    ),
)


# What the browser tests bring to the page; the server never serves it.
TEST_LIBRARIES = (Library("axe-core", {"axe.min.js": "axe.min.js"}, "axe.LICENCE.txt"),)

PLACES = {VENDOR: LIBRARIES, TESTS_VENDOR: TEST_LIBRARIES}


def install(folder: Path) -> Path:
    """Install what package-lock.json names into `folder`; return its node_modules.

    Without the optional packages: they are the checkers' programs, one for each kind of machine.

    Raises FileNotFoundError without npm, CalledProcessError when npm refuses or has no network.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is not installed")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / name, folder)
    command = [npm, "ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(  # nosec B603 # a fixed command
        command, cwd=folder, check=True, capture_output=True, text=True, timeout=180
    )
    return folder / "node_modules"


def vendored_files(node_modules: Path, libraries: Sequence[Library] = LIBRARIES) -> dict[str, bytes]:
    """The content of each file of the folder that has the libraries, by name."""
    files: dict[str, bytes] = {}
    for library in libraries:
        for name, source in library.scripts.items():
            files[name] = _without_source_map(node_modules / library.package / source)
        licences = [_licence(node_modules, package) for package in (library.package, *library.bundled)]
        files[library.licence] = ("\n" + "-" * 80 + "\n\n").join(licences).encode()
    return files


def _without_source_map(script: Path) -> bytes:
    lines = script.read_text(encoding="utf-8").splitlines()
    return ("\n".join(line for line in lines if not line.startswith("//# sourceMappingURL=")) + "\n").encode()


def _licence(node_modules: Path, package: str) -> str:
    """What a package says of its licence; where it carries no text of it, its package.json does."""
    for name in ("LICENSE", "LICENSE.md", "LICENSE.txt", "package.json"):
        path = node_modules / package / name
        if path.is_file():
            return f"{package}\n\n{path.read_text(encoding='utf-8').strip()}\n"
    raise FileNotFoundError(f"{package} says nothing of its licence")


def stale_files(expected: dict[str, bytes], folder: Path = VENDOR) -> list[str]:
    """Names in `folder` that are missing, differ from `expected`, or should not be there."""
    present = {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}
    return sorted(name for name in expected.keys() | present.keys() if expected.get(name) != present.get(name))


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Copy npm packages into the vendor folders.")
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 when a file is not up to date")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        try:
            node_modules = install(Path(folder))
            expected = {place: vendored_files(node_modules, of) for place, of in PLACES.items()}
        except FileNotFoundError as error:
            print(error, file=sys.stderr)
            return 2
        except subprocess.CalledProcessError as error:
            print(error.stderr, file=sys.stderr)
            return 2
    stale = [(place, name) for place, files in expected.items() for name in stale_files(files, place)]
    names = ", ".join(name for _, name in stale)
    if options.check:
        print(f"not up to date: {names}" if stale else "the vendored files are up to date")
        return 1 if stale else 0
    for place, name in stale:
        if name in expected[place]:
            place.mkdir(exist_ok=True)
            (place / name).write_bytes(expected[place][name])
        else:
            (place / name).unlink()
    print(f"written: {names}" if stale else "the vendored files were up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
