"""Known vulnerabilities of the pinned dependencies, by pip-audit: `make advisories`.

Exit status: 0 none known, 1 some are, or a dependency could not be looked up; 3 no advisory service can be
reached from here, so that nothing is known either way. Layer: tools.
"""

from __future__ import annotations

import http.client
import subprocess  # nosec B404 # for pip-audit
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = ("requirements.txt", "requirements-dev.txt")
SERVICES = {  # pip-audit's name -> host, and what it surely knows when it knows anything
    "pypi": ("pypi.org", "/pypi/flask/0.5/json"),
    "osv": ("api.osv.dev", "/v1/vulns/GHSA-462w-v97r-4m45"),
}
EXIT_NOT_AUDITED = 3
REACH_S = 5


def knows_anything(host: str, path: str) -> bool:
    """Whether the service is there, and no mirror that has files but no advisories. Blocks for a few seconds."""
    connection = http.client.HTTPSConnection(host, timeout=REACH_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main() -> int:
    """Audit the pins as they are written; return the exit status."""
    service = next((name for name, asked in SERVICES.items() if knows_anything(*asked)), None)
    if service is None:
        hosts = ", ".join(host for host, _ in SERVICES.values())
        print(f"Not audited: no advisory service answers from here ({hosts}).")
        return EXIT_NOT_AUDITED
    files = [argument for file in FILES for argument in ("--requirement", str(ROOT / file))]
    # strict: a dependency that the service does not know is a failure, not a pass
    command = [sys.executable, "-m", "pip_audit", "--strict", "--no-deps", "--disable-pip"]
    return subprocess.run(  # nosec B603 # a fixed command
        [*command, "--vulnerability-service", service, *files], check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
