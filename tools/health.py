"""Whether a server takes orders, for scripts and health checks: `python -m tools.health`.

Layer: tools. Imports little, as it is run every few seconds.
"""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

import click

TIMEOUT_S = 5.0


def problem_of(url: str, timeout_s: float) -> str | None:
    """Why the server at `url` takes no orders; None when it does."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=timeout_s)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != http.client.OK:
            return f"it answers {answer.status}"
        health = json.loads(content)
        return None if health["accepting"] else str(health["reason"])
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        return f"no answer: {error}"
    finally:
        connection.close()


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--url", default="http://127.0.0.1:5000", envvar="OPENBELL_URL", help="The server.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), default=TIMEOUT_S, help="Seconds to wait.")
def main(url: str, timeout: float) -> None:
    """Ask GET /health. Exit status 0 when orders are taken, 1 with a sentence when not."""
    problem = problem_of(url, timeout)
    if problem is not None:
        raise click.ClickException(f"{url} takes no orders: {problem}")
    click.echo(f"{url} takes orders")


if __name__ == "__main__":
    main(prog_name="python -m tools.health")
