"""The server's one secret, and the keys that are derived from it.

The secret is 32 random bytes, written in hex to a file that only its owner can read. Whoever has it can sign
tokens; without it the API keys in the store cannot be read.
Layer: identity.
"""

from __future__ import annotations

import base64
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from identity.errors import IdentityError

SECRET_BYTES = 32
_OTHERS = 0o077


class ServerSecret:
    """Keys for one purpose each; none can be computed from another."""

    def __init__(self, secret: bytes) -> None:
        self.token_key = _derived(secret, b"openbell session token")
        self.refresh_key = _derived(secret, b"openbell refresh token")
        self.fingerprint = _derived(secret, b"openbell secret fingerprint").hex()[:16]
        self.vault = Fernet(base64.urlsafe_b64encode(_derived(secret, b"openbell api key secrets")))

    def __repr__(self) -> str:
        return "ServerSecret(...)"


def load_or_create(path: Path) -> ServerSecret:
    """The secret in `path`, made when the file is missing. Raises IdentityError, OSError."""
    if not path.exists():
        _create(path)
    return ServerSecret(_read(path))


def _create(path: Path) -> None:
    """Write a new secret, whole or not at all; the first of two processes wins."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")  # readable by its owner only
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(SECRET_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(name, path)
    finally:
        os.unlink(name)


def _read(path: Path) -> bytes:
    if path.stat().st_mode & _OTHERS:
        raise IdentityError(f"others than its owner may read {path}; run: chmod 600 {path}")
    try:
        secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        secret = b""
    if len(secret) < SECRET_BYTES:
        raise IdentityError(f"{path} does not hold {SECRET_BYTES} bytes in hex; restore it from a backup")
    return secret


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=purpose).derive(secret)
