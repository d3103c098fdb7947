"""Where the members are, as an operator writes it, and by which certificates they are known.

Layer: cluster. No I/O but to read certificates.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from cluster.failures import ClusterError

MEMBERS_MAX = 9


class BadAddresses(ClusterError, ValueError):
    """The members' addresses, or their certificates, cannot be used. Says why."""


class Certificates(msgspec.Struct, frozen=True):
    """By which files a client knows the members, and they it. They are read when connections are made."""

    authority: Path  # certificates of those who sign the members', PEM
    certificate: Path | None = None  # the client's own, with its chain
    key: Path | None = None  # and its private key


class Members(msgspec.Struct, frozen=True):
    """The members' addresses and how to speak to them."""

    addresses: tuple[str, ...]  # host:port
    certificates: Certificates | None = None  # None: without TLS, on loopback only


def parse_members(text: str, certificates: Certificates | None = None) -> Members:
    """The members of `http://host:port,...`, or `https://` with certificates. Raises BadAddresses."""
    urls = [part.strip() for part in text.split(",") if part.strip()]
    if not 0 < len(urls) <= MEMBERS_MAX:
        raise BadAddresses(f"one to {MEMBERS_MAX} members of etcd, as http://127.0.0.1:2379,...: not {text!r}")
    addresses = [_address(url, certificates) for url in urls]
    if len(set(addresses)) < len(addresses):
        raise BadAddresses(f"a member of etcd is named twice in {text!r}")
    return Members(tuple(addresses), certificates)


def _address(url: str, certificates: Certificates | None) -> str:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError as error:
        raise BadAddresses(f"{url!r} has no port") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or port is None:
        raise BadAddresses(f"a member of etcd is http://host:port or https://host:port, not {url!r}")
    if parts.username is not None or parts.path.strip("/") or parts.query:
        raise BadAddresses("an address of etcd has a host and a port, and nothing else")
    if (parts.scheme == "https") != (certificates is not None):
        wanted = (
            "needs certificates (--cluster-ca, --cluster-cert, --cluster-key)"
            if certificates is None
            else "is not reached by TLS, and certificates are given"
        )
        raise BadAddresses(f"{url!r} {wanted}")
    if certificates is None and not is_loopback(parts.hostname):
        raise BadAddresses(f"{url!r} is not on loopback: without TLS anybody on the way could write the log")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, by its name alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def read_certificates(certificates: Certificates) -> Sequence[bytes | None]:
    """The authority's certificates, the client's key and its certificate. Raises BadAddresses."""
    try:
        return [
            None if path is None else path.read_bytes()
            for path in (certificates.authority, certificates.key, certificates.certificate)
        ]
    except OSError as error:
        raise BadAddresses(f"certificates for etcd cannot be read: {error}") from error
