"""Credentials that are kept: in a file of a key or a session, or in the environment.

    OPENBELL_KEY, OPENBELL_SECRET    an API key
    OPENBELL_TOKEN                   a session's token, which is not renewed

A key's file is JSON as POST /auth/keys answers it: `key_id` and `secret`, or `private_key_file`, an Ed25519 key in PEM.
A session's is JSON with `token` and `refresh_token`, as `openbell operator login` keeps it, and is written anew when
the token is renewed; or the token alone.
Layer: openbell_client.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from openbell_client.credentials import ApiKey, Credentials, Session, ed25519_signer

KEY_VARIABLE: Final = "OPENBELL_KEY"
SECRET_VARIABLE: Final = "OPENBELL_SECRET"  # noqa: S105 - the name of a variable
TOKEN_VARIABLE: Final = "OPENBELL_TOKEN"  # noqa: S105


def key_of_file(path: Path) -> ApiKey:
    """The API key in a file. Raises OSError, ValueError."""
    try:
        kept: dict[str, Any] = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        key_id = str(kept["key_id"])
        if "private_key_file" in kept:
            return ApiKey(key_id, signer=ed25519_signer((path.parent / kept["private_key_file"]).read_bytes()))
        return ApiKey(key_id, str(kept["secret"]))
    except (msgspec.DecodeError, KeyError) as error:
        raise ValueError(f"{path} is no file of a key: it is JSON with key_id and secret") from error


def session_of_file(path: Path) -> Session:
    """The session in a file, which is written anew when its token is renewed. Raises OSError, ValueError."""
    content = path.read_bytes()
    if not content.lstrip().startswith(b"{"):
        return Session(content.decode("ascii").strip())
    try:
        kept: dict[str, Any] = msgspec.json.decode(content, type=dict[str, Any])
        token, refresh_token = str(kept["token"]), kept.get("refresh_token")
    except (msgspec.DecodeError, KeyError) as error:
        raise ValueError(f"{path} is no file of a session: it is JSON with token and refresh_token") from error

    def keep(session: Session) -> None:
        write_secret(path, kept | {"token": session.token, "refresh_token": session.refresh_token})

    return Session(token, refresh_token, on_change=keep)


def key_of_environment(environment: Mapping[str, str] = os.environ) -> ApiKey | None:
    """The API key in the environment, if there is one. Raises ValueError for half of it."""
    key_id, secret = environment.get(KEY_VARIABLE), environment.get(SECRET_VARIABLE)
    if bool(key_id) != bool(secret):
        raise ValueError(f"{KEY_VARIABLE} and {SECRET_VARIABLE} go together")
    return ApiKey(key_id, secret) if key_id and secret else None


def of_environment(environment: Mapping[str, str] = os.environ) -> Credentials | None:
    """The credentials in the environment, if there are any. Raises ValueError for half of a key."""
    key = key_of_environment(environment)
    if key is not None:
        return key
    token = environment.get(TOKEN_VARIABLE)
    return Session(token) if token else None


def write_secret(path: Path, content: Any) -> None:
    """Write JSON that is for its owner only, whole or not at all. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_secret_text(path, msgspec.json.encode(content).decode())


def write_secret_text(path: Path, text: str) -> None:
    """Write a text that is for its owner only, whole or not at all. Raises OSError."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # a new file, of mode 0600
    partial = Path(name)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
