"""The command line: `python api/app.py --host --port`. Starts the server and ends it on a signal.

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
import signal
from typing import Any

import click
import eventlet

from api.bootstrap import Server
from api.http.front.server import Front
from api.http.listener import listen
from api.private_files import keep_new_files_private, warn_of_readable_key
from api.settings import Settings, options, settings_from
from journal.port import JournalError, JournalLocked
from listings.instruments_file import ListingError
from logs.setup import begin as begin_log
from logs.setup import guard_stderr
from loop.errors import StoreError
from openbell import __version__
from openbell.programs import with_make
from sequencer.sequencer import NotAccepting

log = logging.getLogger("openbell")

POLL_S = 0.1  # how soon a signal is noticed
ANSWER_GRACE_S = 0.2  # to let the last answers leave


def serve(settings: Settings) -> None:
    """Run until SIGINT or SIGTERM. Raises what `Server` raises when it cannot start."""
    listener = listen(settings)  # before anything is opened, so that a refused port leaves the data untouched
    try:
        server = Server(settings)
    except BaseException:
        listener.close()
        raise
    stopping: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda signum, _frame: stopping.append(signum))
    front = Front(listener, server.wsgi, settings)
    front.start()
    host, port = listener.socket.getsockname()[:2]
    scheme = "http" if settings.tls_cert is None else "https"
    address = f"[{host}]" if ":" in host else host
    click.echo(f"Openbell {__version__} is open: {scheme}://{address}:{port}  (data in {settings.data})")
    sys.stdout.flush()
    guard_stderr()
    while not stopping and front.fault is None:
        eventlet.sleep(POLL_S)
    log.info("stopping")
    server.close()
    front.stop()
    eventlet.sleep(ANSWER_GRACE_S)
    listener.close()
    if front.fault is not None:
        raise OSError(f"the listening socket is lost: {front.fault}")


@click.command(
    context_settings={"auto_envvar_prefix": "OPENBELL", "show_default": True, "help_option_names": ["-h", "--help"]}
)
@options
@click.version_option(__version__, prog_name="Openbell")
def main(**values: Any) -> None:
    """Run the exchange: REST, Socket.IO and the trading page on one port, until Ctrl-C."""
    settings = settings_from(values)
    keep_new_files_private()
    begin_log(logging.DEBUG if settings.debug else logging.INFO)
    warn_of_readable_key(settings.tls_key)
    if not settings.loopback and settings.profile == "secured" and settings.tls_cert is None:
        log.warning("no --tls-cert: passwords and tokens travel readable, unless something before us speaks TLS")
    elif not settings.loopback and settings.sandbox:
        log.warning("other machines can reach this sandbox: anyone who can connect trades and cancels everything")
    try:
        serve(settings)
    except JournalLocked as problem:
        raise click.ClickException(f"{str(problem).removesuffix('.')}{with_make('DATA=DIR')}.") from problem
    except (JournalError, StoreError, ListingError, NotAccepting, OSError) as problem:
        raise click.ClickException(str(problem)) from problem


if __name__ == "__main__":
    main()
