"""Copies the one npm package the page needs into frontend/vendor, so that node is not needed to run.

    python -m tools.vendor_frontend           # write frontend/vendor from package-lock.json
    python -m tools.vendor_frontend --check   # say whether it is up to date; exit 1 when not

`npm ci` installs into a temporary folder, and itself refuses a package whose integrity
differs from the lock file. The source map is left out, and so is the comment that names
it: a browser's developer tools would ask for it and log a 404.
Layer: tools.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess  # nosec B404 # for npm
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "frontend" / "vendor"
BUNDLE = "socket.io.esm.min.js"
LICENCE = "socket.io.LICENCE.txt"
# What the bundle is made of; the first is the package it comes from.
BUNDLED = (
    "socket.io-client",
    "engine.io-client",
    "socket.io-parser",
    "engine.io-parser",
    "@socket.io/component-emitter",
)


def install(folder: Path) -> Path:
    """Install what package-lock.json names into `folder`; return its node_modules.

    Raises FileNotFoundError without npm, CalledProcessError when npm refuses or has no network.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is not installed")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / name, folder)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(  # nosec B603 # a fixed command
        command, cwd=folder, check=True, capture_output=True, text=True, timeout=180
    )
    return folder / "node_modules"


def vendored_files(node_modules: Path) -> dict[str, bytes]:
    """The content of each file of frontend/vendor, by name."""
    script = (node_modules / BUNDLED[0] / "dist" / BUNDLE).read_text(encoding="utf-8")
    lines = [line for line in script.splitlines() if not line.startswith("//# sourceMappingURL=")]
    licences = [
        f"{package}\n\n{(node_modules / package / 'LICENSE').read_text(encoding='utf-8').strip()}\n"
        for package in BUNDLED
    ]
    return {
        BUNDLE: ("\n".join(lines) + "\n").encode(),
        LICENCE: ("\n" + "-" * 80 + "\n\n").join(licences).encode(),
    }


def stale_files(expected: dict[str, bytes], folder: Path = VENDOR) -> list[str]:
    """Names in `folder` that are missing, differ from `expected`, or should not be there."""
    present = {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}
    return sorted(name for name in expected.keys() | present.keys() if expected.get(name) != present.get(name))


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Copy the page's npm package into frontend/vendor.")
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 when a file is not up to date")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        try:
            expected = vendored_files(install(Path(folder)))
        except FileNotFoundError as error:
            print(error, file=sys.stderr)
            return 2
        except subprocess.CalledProcessError as error:
            print(error.stderr, file=sys.stderr)
            return 2
    stale = stale_files(expected)
    if options.check:
        print(f"not up to date: {', '.join(stale)}" if stale else "frontend/vendor is up to date")
        return 1 if stale else 0
    VENDOR.mkdir(exist_ok=True)
    for name in stale:
        if name in expected:
            (VENDOR / name).write_bytes(expected[name])
        else:
            (VENDOR / name).unlink()
    print(f"written: {', '.join(stale)}" if stale else "frontend/vendor was up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
