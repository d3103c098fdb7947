"""Runs the command `openbell`; in a checkout also as `python -m openbell`."""

import sys

from openbell.home import make_importable


def main() -> None:
    """Run the command line. A Python that is too old, or lacks our packages, is told so in a sentence."""
    make_importable()
    from prerequisites import require  # noqa: PLC0415 - importable only now

    require()
    from openbell.command import openbell  # noqa: PLC0415 - needs what was required

    sys.argv[0] = "openbell"  # `programs.called` goes by it
    openbell(prog_name="openbell")


if __name__ == "__main__":
    main()
