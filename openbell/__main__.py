"""Runs the command `openbell`; in a checkout also as `python -m openbell`."""

import os
import sys

if __package__ in (None, ""):  # run as a script: packages are found beside this folder, and none inside it
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


def main() -> None:
    """Run the command line. A Python that is too old, or lacks our packages, is told so in a sentence."""
    from openbell.home import make_importable  # noqa: PLC0415 - as a script its folder had to be found first

    make_importable()
    from prerequisites import require  # noqa: PLC0415 - importable only now

    require()
    from openbell.command import openbell  # noqa: PLC0415 - needs what was required

    sys.argv[0] = "openbell"  # `programs.called` goes by it
    openbell(prog_name="openbell")


if __name__ == "__main__":
    main()
