"""Every setting of the server, in one frozen object. Their options, defaults and texts are those of `api/options.py`.

Layer: api.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

USUAL_PORTS: Final = {"http": 80, "https": 443}  # which browsers leave out
_ORIGIN: Final = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How one server runs. The defaults and the meaning of each are those of `options`."""

    host: str = "127.0.0.1"
    port: int = 5000
    data: Path = Path("data")
    profile: str = "sandbox"
    allow_remote: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None
    identity_url: str | None = None
    secret_file: Path | None = None
    token_minutes: int = 15
    session_idle_hours: int = 12
    session_days: int = 30
    signup: str = "open"
    onramp: bool = True
    onramp_limit: str = "1000000"
    ranking: str = "off"
    login_rate: str = "10/minute"
    own_faults: bool = False
    debug: bool = False
    instruments: Path | None = None
    cors_origins: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    rate_limit: str = "10000/minute"
    read_limit: str = "3000/minute"
    rate_limit_storage: str = "memory://"
    trusted_proxies: tuple[str, ...] = ()
    max_connections: int = 10_000
    max_connections_per_address: int = 500
    head_timeout_s: int = 10
    request_timeout_s: int = 60
    idle_timeout_s: int = 75
    min_bytes_per_s: int = 1_000
    max_body_bytes: int = 1_048_576
    front_doors: int = 0
    door_port: int = 0
    max_batch: int = 500
    max_waiting: int = 20_000
    journal: str = "keep"
    snapshot_every: int = 50_000
    snapshot_seconds: int = 300
    history_days: int | None = None
    record_socket: bool = False
    publish: tuple[str, ...] = ()
    metrics_token_file: Path | None = None
    log_format: str = "text"
    feed_interval_ms: int = 50
    feed_queue: int = 512
    feed_queue_bytes: int = 4_194_304
    feed_subscriptions: int = 100
    feed_sessions: int = 10_000
    feed_sessions_per_address: int = 200
    feed_ping_interval_s: int = 20
    feed_ping_timeout_s: int = 20
    cluster: str | None = None
    cluster_name: str = "openbell"
    node: str | None = None
    node_listen: str = "127.0.0.1:0"
    node_url: str | None = None
    cluster_ca: Path | None = None
    cluster_cert: Path | None = None
    cluster_key: Path | None = None

    @property
    def sandbox(self) -> bool:
        """Whether nobody needs credentials to trade: everybody without them is the built-in account."""
        return self.profile == "sandbox"

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)

    @property
    def reachable_by_others(self) -> bool:
        """Whether others than whoever runs it may ask; not in a sandbox that only this machine can reach."""
        return not (self.sandbox and self.loopback)


@lru_cache(maxsize=4096)  # asked for with every request
def is_loopback(host: str) -> bool:
    """Whether `host` is localhost or a loopback address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_origin(url: str) -> bool:
    """Whether `url` is scheme, name and port, as browsers write them into `Origin`."""
    try:
        parts = urlsplit(url)
        return _ORIGIN.fullmatch(url) is not None and parts.port != USUAL_PORTS.get(parts.scheme)
    except ValueError:
        return False
