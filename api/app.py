"""The Flask application, and the command line: `python api/app.py --host --port`.

Layer: api.
"""

from __future__ import annotations

import logging
import signal
import sys
from pathlib import Path
from typing import Any

if __package__ in (None, ""):  # run as a script: find the packages beside this folder, not inside it
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from prerequisites import require

require()  # before the first import that a bare Python cannot do

import click
import eventlet
import eventlet.wsgi
from flask import Flask
from flask_cors import CORS

from api import (
    accounts,
    admin,
    auth,
    auth_routes,
    candles,
    docs,
    errors,
    explain,
    feed_orders,
    limits,
    market,
    orders,
    pages,
    strict,
    symbols,
)
from api.bootstrap import Server
from api.desk import Desk
from api.feed import Feed
from api.http_protocol import HttpProtocol
from api.listener import listen
from api.listing import ListingError
from api.settings import Settings, options, settings_from
from api.status_answers import StatusDesk
from api.strict import WholeNumberConverter
from api.teller import Teller
from api.venue import Venue
from journal.port import JournalError
from openbell import __version__
from sequencer.sequencer import NotAccepting
from store.history import StoreError

log = logging.getLogger("openbell")

SOCKET_TIMEOUT_S = 120  # an idle or stalled connection is closed
POLL_S = 0.1  # how soon a signal is noticed
ANSWER_GRACE_S = 0.2  # for the last answers to leave


def create_app(venue: Venue) -> tuple[Flask, Feed]:
    """The application over a venue, and its feed, which the sequencer's events must be given to."""
    app = Flask("openbell", static_folder=None)
    app.url_map.converters["int"] = WholeNumberConverter
    app.config["MAX_CONTENT_LENGTH"] = venue.settings.max_body_bytes
    app.json.sort_keys = False  # type: ignore[attr-defined]
    errors.install(app)
    check_rate = limits.install(app, venue.settings, venue.access)
    if venue.settings.cors_origins:
        CORS(app, origins=list(venue.settings.cors_origins))
    auth.install(app, venue.access, secured=venue.settings.profile == "secured")
    strict.install(app)
    symbols.install(app, venue.exchange)
    desk, teller, status = Desk(venue), Teller(venue), StatusDesk(venue.sessions)
    feed = Feed(
        app,
        venue.settings,
        venue.exchange,
        venue.sequencer,
        venue.activity,
        status=status,
        access=venue.access,
        check_rate=check_rate,
    )
    venue.sessions.on_planned = feed.look_at_plan
    venue.access.on_revoked(feed.disconnect)
    feed_orders.install(feed, desk, venue.exchange, venue.sequencer)
    app.register_blueprint(auth_routes.blueprint(venue.signing, teller, venue.settings))
    app.register_blueprint(accounts.blueprint(teller, desk, venue.settings))
    app.register_blueprint(admin.blueprint(venue, desk, teller, on_listed=feed.tell_venue_state))
    app.register_blueprint(orders.blueprint(desk, venue.exchange))
    app.register_blueprint(explain.blueprint(venue.explainer))
    app.register_blueprint(market.blueprint(venue, desk, feed, status))
    app.register_blueprint(candles.blueprint(venue))
    app.register_blueprint(pages.blueprint())
    app.register_blueprint(docs.blueprint(app, sandbox=venue.settings.profile == "sandbox"))
    return app, feed


def serve(settings: Settings) -> None:
    """Run until SIGINT or SIGTERM. Raises what `Server` raises when it cannot start."""
    listener = listen(settings)  # before anything is opened: where it is refused, no data was touched
    try:
        server = Server(settings, create_app)
    except BaseException:
        listener.close()
        raise
    stopping: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda signum, _frame: stopping.append(signum))
    loop = eventlet.spawn(
        eventlet.wsgi.server,
        listener,
        server.wsgi,
        protocol=HttpProtocol,
        log=logging.getLogger("openbell.http"),
        log_output=settings.debug,
        debug=False,
        max_size=settings.max_connections,
        socket_timeout=SOCKET_TIMEOUT_S,
    )
    host, port = listener.getsockname()[:2]
    scheme = "http" if settings.tls_cert is None else "https"
    address = f"[{host}]" if ":" in host else host
    click.echo(f"Openbell {__version__} is open: {scheme}://{address}:{port}  (data in {settings.data})")
    sys.stdout.flush()
    while not stopping and not loop.dead:
        eventlet.sleep(POLL_S)
    log.info("stopping")
    server.close()
    eventlet.sleep(ANSWER_GRACE_S)
    listener.close()


@click.command(
    context_settings={"auto_envvar_prefix": "OPENBELL", "show_default": True, "help_option_names": ["-h", "--help"]}
)
@options
@click.version_option(__version__, prog_name="Openbell")
def main(**values: Any) -> None:
    """Run the exchange: REST, Socket.IO and the trading page on one port, until Ctrl-C."""
    settings = settings_from(values)
    logging.basicConfig(
        level=logging.DEBUG if settings.debug else logging.INFO,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    if not settings.loopback and settings.profile == "secured" and settings.tls_cert is None:
        log.warning("no --tls-cert: passwords and tokens travel readable, unless something before us speaks TLS")
    elif not settings.loopback and settings.profile == "sandbox":
        log.warning("other machines can reach this sandbox: anyone who can connect trades and cancels everything")
    try:
        serve(settings)
    except (JournalError, StoreError, ListingError, NotAccepting, OSError) as problem:
        raise click.ClickException(str(problem)) from problem


if __name__ == "__main__":
    main()
