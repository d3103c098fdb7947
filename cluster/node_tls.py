"""Mutual TLS between nodes: each has a certificate of the cluster's own authority, and takes nobody without one.

Layer: cluster.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Protocol


class Certified(Protocol):
    """Where the certificates are; without them nodes speak plainly, on loopback only."""

    @property
    def cluster_ca(self) -> Path | None:
        """Of the authority."""

    @property
    def cluster_cert(self) -> Path | None:
        """Of this node."""

    @property
    def cluster_key(self) -> Path | None:
        """Its private key."""


def server_context(settings: Certified) -> ssl.SSLContext | None:
    """For connections that other nodes make; None without certificates. Raises OSError, of which SSLError is one."""
    return _context(settings, ssl.PROTOCOL_TLS_SERVER)


def client_context(settings: Certified) -> ssl.SSLContext | None:
    """For connections to other nodes; None without certificates. Raises OSError."""
    return _context(settings, ssl.PROTOCOL_TLS_CLIENT)


def _context(settings: Certified, protocol: ssl._SSLMethod) -> ssl.SSLContext | None:
    if settings.cluster_ca is None or settings.cluster_cert is None or settings.cluster_key is None:
        return None
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(settings.cluster_ca)
    context.load_cert_chain(settings.cluster_cert, settings.cluster_key)
    context.verify_mode = ssl.CERT_REQUIRED
    return context
