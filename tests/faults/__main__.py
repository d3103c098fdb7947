"""Every fault in full, one after the other: `python -m tests.faults`; `--list` says what there is.

`python -m tests.faults.NAME` runs one of them. Each prints its progress and what holds, and ends with status 1 where
something does not.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys

from tests.server import ROOT

FAULTS = ("pauses", "disk", "files", "clocks", "clients", "feed_clients", "public_reads", "memory", "kills")


def main() -> None:
    """Run or list them."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--list", action="store_true", help="say what there is, and run nothing")
    parser.add_argument("--only", choices=FAULTS, action="append", help="these only; may be given again")
    arguments = parser.parse_args()
    failed = []
    for name in arguments.only or FAULTS:
        said = (importlib.import_module(f"tests.faults.{name}").__doc__ or "").strip().splitlines()[0]
        print(f"{name:14}{said}", flush=True)
        command = [sys.executable, "-m", f"tests.faults.{name}"]
        if not arguments.list and subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed.append(name)
    if failed:
        sys.exit(f"something does not hold: {', '.join(failed)}")


if __name__ == "__main__":
    main()
