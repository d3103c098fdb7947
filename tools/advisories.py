"""Known vulnerabilities of the pinned dependencies, by pip-audit: `make advisories`.

Which services there are, where they are and how they are asked pip-audit knows; here is only which to try first.
Exit status: 0 none known, 1 some are, or a dependency could not be looked up; 3 no service answers from here, so
that nothing is known either way. Layer: tools.
"""

from __future__ import annotations

import subprocess  # nosec B404 # for pip-audit
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = ("requirements.txt", "requirements-dev.txt")
SERVICES = ("pypi", "osv")  # as pip-audit names them
SURELY_VULNERABLE = "flask==0.5"  # a service that knows nothing of this has no advisories, as some mirrors
EXIT_NOT_AUDITED = 3
REACH_S = 5  # for one answer of a service
TRIAL_S = 60


def audit(service: str, *files: Path) -> list[str]:
    """The command that looks up what these files pin."""
    named = [argument for file in files for argument in ("--requirement", str(file))]
    # strict: a dependency that the service does not know is a failure, not a pass
    command = [sys.executable, "-m", "pip_audit", "--strict", "--no-deps", "--disable-pip", "--timeout", str(REACH_S)]
    return [*command, "--vulnerability-service", service, *named]


def knows_anything(service: str) -> bool:
    """Whether the service answers, and knows of an old vulnerability. Blocks for seconds."""
    with tempfile.TemporaryDirectory() as folder:
        pinned = Path(folder) / "requirements.txt"
        pinned.write_text(f"{SURELY_VULNERABLE}\n", encoding="ascii")
        try:
            trial = subprocess.run(  # nosec B603 # a fixed command
                audit(service, pinned), capture_output=True, text=True, check=False, timeout=TRIAL_S
            )
        except subprocess.TimeoutExpired:
            return False
    return trial.returncode == 1 and "flask" in trial.stdout.lower()


def main() -> int:
    """Audit the pins as they are written; return the exit status."""
    service = next(filter(knows_anything, SERVICES), None)
    if service is None:
        print(f"Not audited: no advisory service of pip-audit answers from here (tried {', '.join(SERVICES)}).")
        return EXIT_NOT_AUDITED
    files = [ROOT / file for file in FILES]
    return subprocess.run(audit(service, *files), check=False).returncode  # nosec B603 # a fixed command


if __name__ == "__main__":
    sys.exit(main())
