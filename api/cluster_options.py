"""The options of a server that is a node of a cluster, and what they ask of each other.

Layer: api.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from api.settings import Settings, is_loopback, is_origin

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")  # as of `cluster.keys`, which a server alone does not import
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)

_DEFAULT: Final = Settings()

CLUSTER_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--cluster",
        metavar="URLS",
        default=_DEFAULT.cluster,
        help="Be a node of a cluster whose records are in etcd: its members, as http://127.0.0.1:2379,... or https:// "
        "with the certificates below.",
    ),
    click.option(
        "--cluster-name",
        metavar="NAME",
        default=_DEFAULT.cluster_name,
        show_default=True,
        help="Of the cluster: lower-case letters, digits and '-'. One etcd can hold several.",
    ),
    click.option(
        "--node",
        metavar="NAME",
        default=_DEFAULT.node,
        help="Of this node, another for each, the same after each start: lower-case letters, digits and '-'.",
    ),
    click.option(
        "--node-listen",
        metavar="HOST:PORT",
        default=_DEFAULT.node_listen,
        show_default=True,
        help="Where other nodes reach this one: orders at this port, everything else at the next; 0 takes free ones.",
    ),
    click.option(
        "--node-url",
        metavar="URL",
        default=_DEFAULT.node_url,
        help="Where clients reach this node, told to them by all nodes. Without it: as this server listens.",
    ),
    click.option(
        "--cluster-ca",
        type=_FILE,
        default=_DEFAULT.cluster_ca,
        help="Certificates of the authority that signs those of etcd and of all nodes, PEM.",
    ),
    click.option(
        "--cluster-cert",
        type=_FILE,
        default=_DEFAULT.cluster_cert,
        help="This node's certificate, for etcd and the other nodes, PEM; for server and client use.",
    ),
    click.option("--cluster-key", type=_FILE, default=_DEFAULT.cluster_key, help="Its private key, PEM."),
)


def check_cluster(settings: Settings) -> None:
    """Raise click.UsageError where the settings of a node contradict each other, or lack something."""
    certificates = (settings.cluster_ca, settings.cluster_cert, settings.cluster_key)
    if settings.cluster is None:
        listens = settings.node_listen != _DEFAULT.node_listen
        if settings.node or settings.node_url or listens or any(certificates):
            raise click.UsageError("--node, --node-listen, --node-url and a cluster's certificates go with --cluster")
        return
    if not NAME.fullmatch(settings.node or ""):
        raise click.UsageError("--cluster needs --node NAME, of lower-case letters, digits and '-', at most 32")
    if not NAME.fullmatch(settings.cluster_name):
        raise click.UsageError(
            f"--cluster-name {settings.cluster_name}: lower-case letters, digits and '-', at most 32"
        )
    if settings.front_doors:
        raise click.UsageError("--front-doors and --cluster do not go together: a node is its own front door")
    if settings.journal == "drop":
        raise click.UsageError(
            "--journal drop and --cluster do not go together: the log is trimmed because each node keeps the records, "
            "so that what all drop nobody has; keep or archive"
        )
    if any(certificates) and not all(certificates):
        raise click.UsageError("--cluster-ca, --cluster-cert and --cluster-key go together")
    _check_addresses(settings, secured=any(certificates))
    if settings.identity_url is None or settings.secret_file is None:
        raise click.UsageError(
            "--cluster needs --identity-url and --secret-file: users, and the secret that signs their tokens, are the "
            "same on all nodes"
        )
    if not settings.identity_url.startswith("postgresql://") and not settings.loopback:
        raise click.UsageError("--identity-url: nodes on several machines share PostgreSQL; a file serves one machine")


def _check_addresses(settings: Settings, *, secured: bool) -> None:
    """Where other nodes and clients are sent must lead here. Raises click.UsageError."""
    host, port = node_address(settings)
    if not host or port is None:
        raise click.UsageError(f"--node-listen {settings.node_listen}: write HOST:PORT")
    if _is_any(host):
        raise click.UsageError(
            f"--node-listen {settings.node_listen}: other nodes are told this address, so give one that leads here"
        )
    if not secured and not is_loopback(host):
        raise click.UsageError(
            f"--node-listen {settings.node_listen}: on other machines it needs --cluster-ca and the rest"
        )
    if settings.node_url is None:
        if _is_any(settings.host):
            raise click.UsageError(
                f"--host {settings.host} needs --node-url: clients are sent here by it, and that address leads nowhere"
            )
    elif not is_origin(settings.node_url):
        raise click.UsageError(
            f"--node-url {settings.node_url}: write http://HOST:PORT or https://HOST:PORT in small letters, and no more"
        )


def _is_any(host: str) -> bool:
    """Whether it stands for every address of a machine."""
    try:
        return not host or ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def node_address(settings: Settings) -> tuple[str, int | None]:
    """Host and port at which other nodes reach this one; None where it is no port."""
    host, _, port = settings.node_listen.rpartition(":")
    return host.strip("[]"), int(port) if port.isdecimal() and int(port) < 65535 else None
