"""The command line: `python api/app.py --host --port`. Listens, then imports what serves and hands over to it.

Layer: api.
"""

from __future__ import annotations

import os
import sys

if __package__ in (None, ""):  # run as a script: packages are found beside this folder, and none inside it
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # pathlib would import more

from prerequisites import require

require()  # before the first import that a bare Python cannot do

import logging
from typing import Any

import click

from api.http.listener import listen
from api.lean_imports import import_lean
from api.options import options, settings_from
from api.private_files import keep_new_files_private, warn_of_readable_key
from api.stopping import end_at_interrupt
from logs.setup import begin as begin_log
from loop.collector import made_to_stay
from openbell import __version__

log = logging.getLogger("openbell")


@click.command(
    context_settings={"auto_envvar_prefix": "OPENBELL", "show_default": True, "help_option_names": ["-h", "--help"]}
)
@options
@click.version_option(__version__, prog_name="Openbell")
def main(**values: Any) -> None:
    """Run the exchange: REST, Socket.IO and the trading page on one port, until Ctrl-C."""
    settings = settings_from(values)
    end_at_interrupt()
    keep_new_files_private()
    begin_log(logging.DEBUG if settings.debug else logging.INFO, log_format=settings.log_format)
    warn_of_readable_key(settings.tls_key)
    if not settings.loopback and settings.profile == "secured" and settings.tls_cert is None:
        log.warning("no --tls-cert: passwords and tokens travel readable, unless something before us speaks TLS")
    elif not settings.loopback and settings.sandbox:
        log.warning("other machines can reach this sandbox: anyone who can connect trades and cancels everything")
    try:
        listener = listen(settings)  # before anything is opened, so that a refused port leaves the data untouched
    except OSError as problem:
        raise click.ClickException(str(problem)) from problem
    # only now what takes a second or so to import: who connects meanwhile waits, and is not refused
    with made_to_stay():
        import_lean()
        from api.serving import run  # noqa: PLC0415

    run(listener, settings)


if __name__ == "__main__":
    main()
