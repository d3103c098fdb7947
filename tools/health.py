"""Whether a server takes orders, for scripts and health checks: `python -m tools.health`.

Layer: tools. Imports little, as it is run every few seconds.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import os
import ssl
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click

TIMEOUT_S: Final = 5.0
LOOPBACK: Final = "127.0.0.1"


def own_url(environment: Mapping[str, str]) -> str:
    """The address of the server that has these OPENBELL_ variables, as its own machine reaches it.

    What the environment leaves out is asked of the file that OPENBELL_CONFIG names. Raises click.UsageError where the
    file cannot be read, or the port is not known before the server has taken one.
    """
    config = environment.get("OPENBELL_CONFIG")
    try:
        written = tomllib.loads(Path(config).read_text(encoding="utf-8")) if config else {}
    except (OSError, ValueError) as problem:
        raise click.UsageError(f"OPENBELL_CONFIG {config}: {problem}") from problem

    def setting(name: str, default: str) -> str:
        return environment.get(f"OPENBELL_{name.upper()}") or str(written.get(name, default))

    port = setting("port", "5000")
    if port == "0":
        raise click.UsageError("the server has taken a free port: give its address, --url")
    scheme = "https" if setting("tls_cert", "") else "http"
    return f"{scheme}://{_reachable(setting('host', LOOPBACK))}:{port}"


def _reachable(host: str) -> str:
    """Where a server that listens on `host` answers its own machine, as it is written in a URL."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return LOOPBACK if address.version == 4 else "[::1]"
    return f"[{address}]" if address.version == 6 else host


def problem_of(url: str, timeout_s: float, *, own: bool = False) -> str | None:
    """Why the server at `url` takes no orders; None when it does. `own`: as for `asked`."""
    try:
        status, content = asked(url, "/health/ready", timeout_s, own=own)
        if status == http.client.OK:
            return None
        details = json.loads(content)["details"] if status == http.client.SERVICE_UNAVAILABLE else {}
        return str(details.get("why") or f"it answers {status}")
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"no answer: {error}"


def figures_of(url: str, token_file: Path | None, timeout_s: float, *, own: bool = False) -> str:
    """The text of `GET /metrics`. `own`: as for `asked`. Raises click.ClickException where it is not to be had."""
    try:
        token = None if token_file is None else token_file.read_text(encoding="ascii").strip()
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        status, content = asked(url, "/metrics", timeout_s, own=own, headers=headers)
        if status == http.client.OK:
            return content.decode()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise click.ClickException(f"{url} shows no figures: {error}") from error
    hint = "; name the file of its token, --metrics-token-file" if status in (401, 403) else ""
    raise click.ClickException(f"{url} shows no figures: it answers {status}{hint}")


def asked(
    url: str, path: str, timeout_s: float, *, own: bool, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """Status and body of a GET. Raises OSError, http.client.HTTPException.

    A certificate is not verified where it is our `own` server's or on loopback: it names the host that clients know.
    """
    parts = urlsplit(url)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = _context(verified=not own and not _on_loopback(parts.hostname or ""))
        connection = http.client.HTTPSConnection(parts.netloc, timeout=timeout_s, context=context)
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=timeout_s)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _context(*, verified: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _on_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option(
    "--url",
    envvar="OPENBELL_URL",
    show_default="what OPENBELL_HOST, OPENBELL_PORT and OPENBELL_TLS_CERT say, as they do to the server",
    help="The server.",
)
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), default=TIMEOUT_S, help="Seconds to wait.")
@click.option("--figures", is_flag=True, help="Show how fast it is, what waits, who is behind, and what it takes.")
@click.option(
    "--metrics-token-file",
    envvar="OPENBELL_METRICS_TOKEN_FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --figures: the file that the server has by this option; in a sandbox it needs none.",
)
def main(url: str | None, timeout: float, figures: bool, metrics_token_file: Path | None) -> None:
    """Ask GET /health/ready. Exit status 0 when orders are taken, 1 with a sentence when not."""
    server = url or own_url(os.environ)
    problem = problem_of(server, timeout, own=not url)
    if figures:
        _show_figures(figures_of(server, metrics_token_file, timeout, own=not url))
    if problem is not None:
        raise click.ClickException(f"{server} takes no orders: {problem}")
    click.echo(f"{server} takes orders")


def _show_figures(text: str) -> None:
    from tools.figures import Figures, lines  # noqa: PLC0415 - only who wants them waits for what reads them

    shown = list(lines(Figures(text)))
    width = max(len(name) for name, _ in shown)
    for name, value in shown:
        click.echo(f"{name:{width}}  {value}")


if __name__ == "__main__":
    main(prog_name="python -m tools.health")
