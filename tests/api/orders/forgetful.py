"""A server whose accounts remember few done orders, and its historian, whose process is this module."""

from __future__ import annotations

import sys
from typing import Final

from engine import recent
from replica.historian.__main__ import main
from tests.server import RunningServer

REMEMBERED: Final = 3


class ForgetfulServer(RunningServer):
    """`python api/app.py`, whose engine remembers `REMEMBERED` done orders of an account."""

    further = ""  # statements that are carried out before it starts

    @property
    def program(self) -> tuple[str, ...]:  # type: ignore[override] # of each class, with what it adds
        """What is run in the place of `api/app.py`."""
        return (
            "-c",
            f"import runpy; from engine import recent; recent.REMEMBERED_MAX = {REMEMBERED}; "
            f"from replica.historian import host; host.MODULE = '{__name__}'; {self.further}"
            "runpy.run_path('api/app.py', run_name='__main__')",
        )


if __name__ == "__main__":
    recent.REMEMBERED_MAX = REMEMBERED
    sys.exit(main())
