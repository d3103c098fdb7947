"""Points a client that people already have at a running server: `python -m tools.clients ccxt`.

It makes an API key for the client, of a new guest or of a user, and prints a configuration with it.
Layer: tools.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from openbell.programs import called
from openbell_client.requests import Scope
from openbell_client.stored import SECRET_VARIABLE, key_of_environment, write_secret_text
from tools.clients_settings import CLIENTS, ClientSettings, Target
from tools.clients_venue import Key, Market, Venue, VenueProblem
from tools.credentials import typed

PEM: Final = "-----BEGIN"
LIST: Final = "list"
DEFAULT_SCOPES: Final[tuple[Scope, ...]] = ("read", "trade")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument("name", type=click.Choice([*CLIENTS, LIST]))
@click.option("--url", default="http://127.0.0.1:5000", envvar="OPENBELL_URL", help="The server.")
@click.option("--symbol", default=None, help="What the client trades, as BTCUSDT; without it, what is listed first.")
@click.option("--user", default=None, help="Sign in as this user; the password is asked for, or the first line read.")
@click.option("--password", default=None, envvar="OPENBELL_PASSWORD", help="With --user; better in the variable.")
@click.option(
    "--token", default=None, envvar="OPENBELL_TOKEN", help="Make the key in this session, of a signed-in user."
)
@click.option("--scope", "scopes", multiple=True, type=click.Choice(["read", "trade"]), default=DEFAULT_SCOPES)
@click.option("--ip", "ip_list", multiple=True, help="Let the key sign from this address or network only.")
@click.option("--label", default=None, show_default="the client's name", help="What the list of keys shows.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it to FILE, which only you can read."
)
def main(
    name: str,
    url: str,
    symbol: str | None,
    user: str | None,
    password: str | None,
    token: str | None,
    scopes: tuple[Scope, ...],
    ip_list: tuple[str, ...],
    label: str | None,
    out: Path | None,
) -> None:
    """Print what points the client NAME at a running server, with an API key made for it. `list` shows the clients.

    The key is of a new guest with paper money, unless --user or --token says whose; an account that has one already
    gives it in OPENBELL_KEY and OPENBELL_SECRET. The configuration holds the secret: keep it as you would a password.
    """
    if name == LIST:
        for client, settings in CLIENTS.items():
            click.echo(f"{client:15} {settings.help}")
        return
    try:
        with Venue(url) as venue:
            markets = venue.markets()
            market = _chosen(markets, symbol)
            key = _given_key(name) or _new_key(venue, user, password, token, label or name, scopes, ip_list)
    except VenueProblem as problem:
        raise click.ClickException(str(problem)) from problem
    target = Target(venue.url, venue.websocket_url, key, market, _pairs(markets, market))
    written = _commented(CLIENTS[name], name, venue.url) + CLIENTS[name].written(target)
    if out is None:
        click.echo(written, nl=False)
    else:
        _keep(out, written)
        click.echo(f"{out} points {name} at {venue.url}.", err=True)


def _chosen(markets: Sequence[Market], symbol: str | None) -> Market:
    """The market that is asked for. Raises VenueProblem."""
    if not markets:
        raise VenueProblem("the server lists no symbol")
    if symbol is None:
        return markets[0]
    for market in markets:
        if market.symbol == symbol.upper():
            return market
    raise VenueProblem(f"{symbol} is not listed: {' '.join(market.symbol for market in markets)}")


def _pairs(markets: Sequence[Market], chosen: Market) -> tuple[str, ...]:
    others = [market for market in markets if market.quote == chosen.quote and market != chosen]
    return tuple(f"{market.base}/{market.quote}" for market in (chosen, *others))


def _given_key(client: str) -> Key | None:
    """The key of the environment. Raises VenueProblem when half of it is there, or the client cannot sign with it."""
    try:
        given = key_of_environment()
    except ValueError as problem:
        raise VenueProblem(str(problem)) from problem
    if given is None:
        return None
    secret = os.environ[SECRET_VARIABLE]
    if PEM in secret and not CLIENTS[client].ed25519:
        able = ", ".join(name for name, settings in CLIENTS.items() if settings.ed25519)
        raise VenueProblem(
            f"what is printed for {client} signs by HMAC, and {SECRET_VARIABLE} is a private key: "
            f"give a key that was made with a secret, or use one of {able}"
        )
    return Key(given.key_id, secret)


def _new_key(
    venue: Venue,
    user: str | None,
    password: str | None,
    token: str | None,
    label: str,
    scopes: tuple[Scope, ...],
    ip_list: tuple[str, ...],
) -> Key:
    if token is not None:
        session = venue.session(token)
    elif user is None:
        session = venue.guest()
    else:
        session = venue.user(user, password or typed("Password", hidden=True))
    with session:
        return venue.new_key(label, scopes, ip_list)


def _commented(settings: ClientSettings, name: str, url: str) -> str:
    """A first line that says where this comes from, where the client reads over it."""
    if not settings.comment:
        return ""
    return f"{settings.comment} {name} at {url}, by {called('clients')}. It holds a secret.\n"


def _keep(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    try:
        write_secret_text(path, text)
    except OSError as problem:
        raise click.ClickException(f"{path}: {problem.strerror}") from problem


if __name__ == "__main__":
    main(prog_name="python -m tools.clients")
