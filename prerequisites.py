"""What every program of ours needs before it can import anything: a Python that is new enough, with our packages.

Its syntax is that of older Pythons too, so that they say in a sentence what is missing.
"""

import os
import sys
import warnings
from importlib.util import find_spec

PACKAGES = (
    *("aiohttp", "alembic", "click", "cryptography", "eventlet", "flask", "msgspec", "rich", "socketio", "sqlalchemy"),
    "urllib3",
)
IN_A_CHECKOUT = (
    "Use the environment that make keeps: make run makes it and starts the server, .venv/bin/python is its Python."
)
INSTALLED = "Install it anew with what it needs: pipx install, or pip install in an environment of its own."
ADVICE = INSTALLED if os.path.basename(os.path.dirname(os.path.realpath(__file__))) == "venue" else IN_A_CHECKOUT


def require() -> None:
    """End the program, with a sentence and status 1, where it could not run. Costs microseconds.

    Quiets eventlet's notice besides, which nobody who starts a program can do anything about.
    """
    if sys.version_info < (3, 11):  # noqa: UP036 - this is where the others are told
        found = ".".join(str(part) for part in sys.version_info[:3])
        raise SystemExit(f"Openbell needs Python 3.11 or newer, and this is {found}. {ADVICE}")
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise SystemExit(f"Openbell needs packages that this Python does not have ({', '.join(missing)}). {ADVICE}")
    # the design asks for eventlet: Documentation/decisions/0002-dependencies.md weighs its notice
    warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
