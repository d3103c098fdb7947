"""The options of the server: TOML file < environment < command line, into one settings object.

The command line is the documentation: `python api/app.py --help`. Each option can be set in
the environment as OPENBELL_<NAME>, or in the file that `--config` names.
Layer: api.
"""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from api.cluster_options import CLUSTER_OPTIONS, check_cluster
from api.settings import Settings
from history.pruning import LEAST_DAYS
from listings.numbers import WholeNumber, decimal_of
from openbell.programs import started_by_command
from publish.target import target_of

ENVIRONMENT_PREFIX = "OPENBELL"
FRONT_DOORS_MAX = 32


def _read_config(context: click.Context, _parameter: click.Parameter, path: Path | None) -> Path | None:
    """Make the values of the TOML file the defaults of every other option."""
    if path is None:
        return None
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:  # no file, no UTF-8 or no TOML
        raise click.BadParameter(f"{path}: {problem}") from problem
    known = {parameter.name for parameter in context.command.params}
    unknown = sorted(set(values) - known)
    if unknown:
        raise click.BadParameter(f"{path}: no such setting: {', '.join(unknown)}")
    context.default_map = values
    return path


_DEFAULT = Settings()

OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        is_eager=True,
        expose_value=False,
        callback=_read_config,
        help="A TOML file of settings, named as here with underscores. Environment and command line win over it.",
    ),
    click.option("--host", default=_DEFAULT.host, show_default=True, help="Address to listen on."),
    click.option(
        "--port",
        type=WholeNumber(0, 65535),
        default=_DEFAULT.port,
        show_default=True,
        help="Port to listen on; 0 takes a free one and says which.",
    ),
    click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        default=_DEFAULT.data,
        show_default=True,
        help="Folder of the journal and the history. Made when missing; one server at a time.",
    ),
    click.option(
        "--profile",
        type=click.Choice(["sandbox", "secured"]),
        default=_DEFAULT.profile,
        show_default=True,
        help="sandbox: who shows no credentials trades as the one built-in account. secured: credentials for "
        "everything but market data.",
    ),
    click.option(
        "--allow-remote",
        is_flag=True,
        default=_DEFAULT.allow_remote,
        help="Let other machines reach a sandbox. Anyone who can connect can then trade and cancel everything.",
    ),
    click.option(
        "--tls-cert",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        default=None,
        help="PEM file of the certificate and its chain: serve HTTPS.",
    ),
    click.option(
        "--tls-key",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        default=None,
        help="PEM file of the certificate's private key, without a passphrase.",
    ),
    click.option(
        "--identity-url",
        default=None,
        help="Database of users, sessions and keys: postgresql://USER@HOST/DATABASE. Without it: a file in --data.",
    ),
    click.option(
        "--secret-file",
        type=click.Path(dir_okay=False, path_type=Path),
        default=None,
        help="File of the secret that signs tokens, made when missing. Without it: secret.key in --data.",
    ),
    click.option(
        "--token-minutes",
        type=WholeNumber(1, 1440),
        default=_DEFAULT.token_minutes,
        show_default=True,
        help="How long a session token is good.",
    ),
    click.option(
        "--session-idle-hours",
        type=WholeNumber(1, 720),
        default=_DEFAULT.session_idle_hours,
        show_default=True,
        help="How long a session lasts that is not refreshed.",
    ),
    click.option(
        "--session-days",
        type=WholeNumber(1, 365),
        default=_DEFAULT.session_days,
        show_default=True,
        help="How long a session lasts at most, however often it is refreshed.",
    ),
    click.option(
        "--onramp/--no-onramp",
        default=_DEFAULT.onramp,
        help="Whether everybody may credit their own account with paper money; without it only operators do.",
    ),
    click.option(
        "--onramp-limit",
        default=_DEFAULT.onramp_limit,
        show_default=True,
        help="The most of one asset an account may credit itself with, in all.",
    ),
    click.option(
        "--signup",
        type=click.Choice(["open", "off"]),
        default=_DEFAULT.signup,
        show_default=True,
        help="open: anybody may become a user or a guest. off: nobody.",
    ),
    click.option(
        "--ranking",
        type=click.Choice(["off", "anonymous", "names"]),
        default=_DEFAULT.ranking,
        show_default=True,
        help="Whether whoever has an account sees the ranking by profit, and others' names in it.",
    ),
    click.option(
        "--login-rate",
        default=_DEFAULT.login_rate,
        show_default=True,
        help="Attempts to sign up or in per client address, as COUNT/second|minute|hour; `off` also lifts the limits "
        "by name.",
    ),
    click.option(
        "--own-faults",
        is_flag=True,
        default=_DEFAULT.own_faults,
        help="Let every account of a secured venue have faults on demand for itself. In a sandbox they may anyhow.",
    ),
    click.option(
        "--debug", is_flag=True, default=_DEFAULT.debug, help="Log every request and the traceback of every error."
    ),
    click.option(
        "--instruments",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        default=None,
        help="TOML file of the symbols to list. Without it: "
        + ("those that `openbell instruments` prints." if started_by_command() else "config/default.toml."),
    ),
    click.option(
        "--cors-origins",
        multiple=True,
        default=_DEFAULT.cors_origins,
        help="Origin of another site whose pages may call the API, such as https://desk.example. Repeatable.",
    ),
    click.option(
        "--trusted-hosts",
        multiple=True,
        default=_DEFAULT.trusted_hosts,
        help="Further names this server may be called by in the Host header. Repeatable; localhost, loopback addresses "
        "and --host always may.",
    ),
    click.option(
        "--rate-limit",
        default=_DEFAULT.rate_limit,
        show_default=True,
        help="Requests per account, or per address of those not signed in, as COUNT/second|minute|hour, or `off`. "
        "Not for loopback in a sandbox.",
    ),
    click.option(
        "--read-limit",
        default=_DEFAULT.read_limit,
        show_default=True,
        help="What those who are not signed in may read at length, per address: units, written as --rate-limit.",
    ),
    click.option(
        "--rate-limit-storage",
        default=_DEFAULT.rate_limit_storage,
        show_default=True,
        help="Where requests are counted: memory://, or redis://HOST:PORT/N for several servers.",
    ),
    click.option(
        "--trusted-proxies",
        multiple=True,
        default=_DEFAULT.trusted_proxies,
        help="Address or network, such as 10.0.0.0/8, of proxies before this server, whose X-Forwarded-For and "
        "X-Forwarded-Proto say who the client is. Repeatable.",
    ),
    click.option(
        "--max-connections",
        type=WholeNumber(1),
        default=_DEFAULT.max_connections,
        show_default=True,
        help="Connections served at once, pages and feeds together. Beyond it those that are idle are closed, and "
        "where none is, more wait. The limit of open files (ulimit -n) is raised for it as far as it may be.",
    ),
    click.option(
        "--max-connections-per-address",
        type=WholeNumber(1),
        default=_DEFAULT.max_connections_per_address,
        show_default=True,
        help="Connections of one client address (of a /64 for IPv6). Not in a sandbox that only this machine can "
        "reach, nor for trusted proxies.",
    ),
    click.option(
        "--head-timeout-s",
        type=WholeNumber(1, 3600),
        default=_DEFAULT.head_timeout_s,
        show_default=True,
        help="Seconds for the TLS handshake, and for the request line and headers of a request.",
    ),
    click.option(
        "--request-timeout-s",
        type=WholeNumber(1, 3600),
        default=_DEFAULT.request_timeout_s,
        show_default=True,
        help="Seconds for a whole request to come, and for its answer to be taken.",
    ),
    click.option(
        "--idle-timeout-s",
        type=WholeNumber(1, 3600),
        default=_DEFAULT.idle_timeout_s,
        show_default=True,
        help="Seconds that a connection is kept open for a further request.",
    ),
    click.option(
        "--min-bytes-per-s",
        type=WholeNumber(1),
        default=_DEFAULT.min_bytes_per_s,
        show_default=True,
        help="Least bytes a second at which a body must come and an answer be taken, after five seconds.",
    ),
    click.option(
        "--max-body-bytes",
        type=WholeNumber(1024),
        default=_DEFAULT.max_body_bytes,
        show_default=True,
        help="Largest body of a batch of orders; of other requests 16 KiB. A Socket.IO message has at most 64 KiB.",
    ),
    click.option(
        "--front-doors",
        type=WholeNumber(0, FRONT_DOORS_MAX),
        default=_DEFAULT.front_doors,
        show_default=True,
        help="Processes that serve clients on the port, each with a copy of the market; 0: this one process does.",
    ),
    click.option(
        "--door-port",
        type=WholeNumber(0, 65535 - FRONT_DOORS_MAX),
        default=_DEFAULT.door_port,
        help="With --front-doors: the first door listens on this port of 127.0.0.1 as well, the next on the next, for "
        "a proxy that keeps a client at one door. Without it: on none.",
    ),
    click.option(
        "--max-batch",
        type=WholeNumber(1),
        default=_DEFAULT.max_batch,
        show_default=True,
        help="Commands journaled with one flush.",
    ),
    click.option(
        "--max-waiting",
        type=WholeNumber(1),
        default=_DEFAULT.max_waiting,
        show_default=True,
        help="Commands that may wait for the journal; above it the answer is 503.",
    ),
    click.option(
        "--journal",
        type=click.Choice(["keep", "archive", "drop"]),
        default=_DEFAULT.journal,
        show_default=True,
        help="What becomes of records that two snapshots are behind: they stay, go into compressed files, or go.",
    ),
    click.option(
        "--snapshot-every",
        type=WholeNumber(1),
        default=_DEFAULT.snapshot_every,
        show_default=True,
        help="Commands between two snapshots of the state. A start begins with the newest.",
    ),
    click.option(
        "--snapshot-seconds",
        type=WholeNumber(1),
        default=_DEFAULT.snapshot_seconds,
        show_default=True,
        help="Seconds after which a snapshot is written also of fewer commands.",
    ),
    click.option(
        "--history-days",
        type=WholeNumber(LEAST_DAYS),
        default=None,
        help="Days that done orders, trades, postings and candles shorter than an hour stay in the history, 2 at "
        "least. Without it: for ever.",
    ),
    click.option(
        "--record-socket/--no-record-socket",
        default=_DEFAULT.record_socket,
        show_default=True,
        help="Let programs of the same user follow the records by the socket records.sock in the data folder.",
    ),
    click.option(
        "--publish",
        multiple=True,
        metavar="URL",
        default=_DEFAULT.publish,
        help="Publish trades, books, order events and records at redis://HOST:PORT/N or kafka://HOST:PORT. Repeatable. "
        "A URL with a password belongs in the environment.",
    ),
    click.option(
        "--metrics-token-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        default=None,
        help="File of a token, of 32 characters or more, with which monitoring may read "
        "GET /metrics, and do nothing else.",
    ),
    click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default=_DEFAULT.log_format,
        show_default=True,
        help="How the log is written: a line of text for each record, or a JSON object on a line.",
    ),
    click.option(
        "--feed-interval-ms",
        type=WholeNumber(1, 10_000),
        default=_DEFAULT.feed_interval_ms,
        show_default=True,
        help="Least time between two market data messages of one symbol and type.",
    ),
    click.option(
        "--feed-queue",
        type=WholeNumber(16),
        default=_DEFAULT.feed_queue,
        show_default=True,
        help="Messages that may wait for one feed client; one that is slower is told to resync.",
    ),
    click.option(
        "--feed-queue-bytes",
        type=WholeNumber(65_536),
        default=_DEFAULT.feed_queue_bytes,
        show_default=True,
        help="Bytes that may wait for one feed client, about; one that is slower is told to resync.",
    ),
    click.option(
        "--feed-sessions",
        type=WholeNumber(1),
        default=_DEFAULT.feed_sessions,
        show_default=True,
        help="Feed clients at once; more are refused. One of long polling has no connection between its requests.",
    ),
    click.option(
        "--feed-sessions-per-address",
        type=WholeNumber(1),
        default=_DEFAULT.feed_sessions_per_address,
        show_default=True,
        help="Feed clients at once from one address, or from one /64 of IPv6. Not in a sandbox that only this machine "
        "can reach.",
    ),
    click.option(
        "--feed-ping-interval-s",
        type=WholeNumber(1, 3_600),
        default=_DEFAULT.feed_ping_interval_s,
        show_default=True,
        help="Seconds after a feed client's last answer until it is pinged.",
    ),
    click.option(
        "--feed-ping-timeout-s",
        type=WholeNumber(1, 3_600),
        default=_DEFAULT.feed_ping_timeout_s,
        show_default=True,
        help="Seconds for a feed client to answer a ping; then it counts as gone.",
    ),
    click.option(
        "--feed-subscriptions",
        type=WholeNumber(1),
        default=_DEFAULT.feed_subscriptions,
        show_default=True,
        help="Subscriptions one feed client may hold.",
    ),
    *CLUSTER_OPTIONS,
)


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a click command with every setting, in the order of `OPTIONS`."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def settings_from(values: dict[str, Any]) -> Settings:
    """The settings object of parsed options. Raises click.UsageError where they contradict each other."""
    settings = Settings(**values)
    if settings.sandbox and not settings.loopback and not settings.allow_remote:
        raise click.UsageError(
            f"--host {settings.host} would let other machines trade in a sandbox that asks for no credentials. "
            "Use 127.0.0.1 or --profile secured, or add --allow-remote if that is what you want."
        )
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together")
    if not settings.rate_limit_storage.startswith(("memory://", "redis://", "rediss://")):
        raise click.UsageError(
            f"--rate-limit-storage {settings.rate_limit_storage}: write memory:// or redis://HOST:PORT/N"
        )
    for where in settings.publish:
        try:
            config = target_of(where).config
        except ValueError as problem:  # without the URL: it may have a password
            raise click.UsageError(f"--publish: {problem}") from None
        if config is not None and not Path(config).is_file():
            raise click.UsageError(f"--publish: {config} is no file")
    for proxy in settings.trusted_proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError as problem:
            raise click.UsageError(f"--trusted-proxies {proxy}: {problem}") from None
    if not (limit := decimal_of(settings.onramp_limit)) or limit < 0:
        raise click.UsageError(f"--onramp-limit {settings.onramp_limit}: write a number above zero")
    for option, rate in (
        ("--rate-limit", settings.rate_limit),
        ("--read-limit", settings.read_limit),
        ("--login-rate", settings.login_rate),
    ):
        if rate != "off" and not _is_rate(rate):
            raise click.UsageError(f"{option} {rate}: write COUNT/second, COUNT/minute, COUNT/hour or off")
    _check_doors(settings)
    check_cluster(settings)
    return settings


def _check_doors(settings: Settings) -> None:
    """Raises click.UsageError."""
    if not settings.door_port:
        return
    if not settings.front_doors:
        raise click.UsageError("--door-port goes with --front-doors: without these there is no door to reach by it")
    if settings.door_port <= settings.port < settings.door_port + settings.front_doors:
        door = settings.port - settings.door_port + 1
        raise click.UsageError(
            f"--door-port {settings.door_port}: door {door} would have the port of all, {settings.port}"
        )


def _is_rate(text: str) -> bool:
    count, slash, unit = text.partition("/")
    counted = count.isascii() and count.isdecimal() and int(count) > 0
    return counted and bool(slash) and unit in ("second", "minute", "hour")
