"""The public API as an operator asks it: signed by an API key, or in a session that is kept in a file.

    OperatorError
      Unreachable   no answer
      Refused       the venue said no; `body` is what it said

Layer: tools.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import os
import ssl
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from openbell.programs import called

TIMEOUT_S: Final = 30.0


class OperatorError(Exception):
    """What was asked for did not happen; the message says why."""


class Unreachable(OperatorError):
    """No answer came. Whether the request was carried out is unknown."""


class Refused(OperatorError):
    """The venue said no."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(f"{body.get('error', 'The venue refused.')} ({body.get('error_code', 'NO_CODE')})")
        self.body = body


class ApiKey(msgspec.Struct, frozen=True):
    """What signs requests."""

    key_id: str
    secret: str


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Where somebody is signed in. Holds secrets: its file is for its owner only."""

    url: str
    name: str
    token: str
    refresh_token: str


class OperatorClient:
    """One venue. Credentials are the key when there is one, else the session kept in `session_file`."""

    def __init__(self, url: str, session_file: Path, key: ApiKey | None = None) -> None:
        """Raises OperatorError when `url` is none."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise OperatorError(f"{url} is no address; write http://HOST:PORT or https://HOST:PORT")
        self.url = f"{parts.scheme}://{parts.netloc}"
        self._secure = parts.scheme == "https"
        self._address = parts.netloc
        self._session_file = session_file
        self._key = key

    # -- signing in

    def log_in(self, name: str, password: str, code: str | None = None) -> dict[str, Any]:
        """Open a session and keep it. Raises OperatorError when `name` is no operator."""
        shown = {"name": name, "password": password} | ({} if code is None else {"code": code})
        signed_in = self._granted(*self._send("POST", "/auth/login?refresh=body", shown, {}))
        self._keep(signed_in)
        if signed_in["role"] != "operator":
            self.log_out()
            raise OperatorError(f"{signed_in['name']} is not an operator; see {called('users')}")
        return {"name": signed_in["name"], "account": str(signed_in["account"]), "role": signed_in["role"]}

    def log_out(self) -> None:
        """End the session that is kept, and forget it."""
        session = self._kept()
        try:
            self._in_session("POST", "/auth/logout", None, session)
        finally:
            self._session_file.unlink(missing_ok=True)

    # -- asking

    def public(self, path: str) -> Any:
        """What everybody may see."""
        return self._granted(*self._send("GET", path, None, {}))

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The body of an answer that was granted. Raises Refused or Unreachable."""
        if self._key is not None:
            return self._granted(*self._send(method, path, body, {}, self._key))
        return self._in_session(method, path, body, self._kept())

    def _in_session(self, method: str, path: str, body: Any, session: Session) -> Any:
        """Ask with the token; with the next one when its time is up."""
        status, answer = self._send(method, path, body, {"Authorization": f"Bearer {session.token}"})
        if status == 401 and answer.get("error_code") == "TOKEN_EXPIRED":
            refresh = {"refresh_token": session.refresh_token}
            following = self._keep(self._granted(*self._send("POST", "/auth/refresh", refresh, {})))
            status, answer = self._send(method, path, body, {"Authorization": f"Bearer {following.token}"})
        return self._granted(status, answer)

    def _granted(self, status: int, answer: Any) -> Any:
        if status >= 300:
            raise Refused(answer)
        return answer

    def _send(
        self, method: str, path: str, body: Any, headers: dict[str, str], key: ApiKey | None = None
    ) -> tuple[int, Any]:
        content = b"" if body is None else msgspec.json.encode(body)
        sent = {"Content-Type": "application/json"} | headers
        if key is not None:
            sent |= _signed(key, method, path, content)
        connection = self._connection()
        try:
            connection.request(method, path, content or None, sent)
            response = connection.getresponse()
            return response.status, msgspec.json.decode(response.read())
        except msgspec.DecodeError as problem:
            raise Unreachable(f"what answers at {self.url} is no Openbell") from problem
        except (OSError, http.client.HTTPException) as problem:
            raise Unreachable(f"no answer from {self.url}: {problem}") from problem
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self._secure:
            return http.client.HTTPSConnection(self._address, timeout=TIMEOUT_S, context=ssl.create_default_context())
        return http.client.HTTPConnection(self._address, timeout=TIMEOUT_S)

    # -- the session's file

    def _kept(self) -> Session:
        try:
            session = msgspec.json.decode(self._session_file.read_bytes(), type=Session)
        except (OSError, msgspec.DecodeError) as problem:
            raise OperatorError(
                "not signed in: use the command login, or set OPENBELL_KEY and OPENBELL_SECRET"
            ) from problem
        if session.url != self.url:
            raise OperatorError(f"signed in at {session.url}, not at {self.url}: use the command login")
        return session

    def _keep(self, signed_in: Any) -> Session:
        session = Session(
            url=self.url,
            name=signed_in["name"],
            token=signed_in["token"],
            refresh_token=signed_in["refresh_token"],
        )
        path = self._session_file
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{os.getpid()}")
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.encode(session))
        partial.replace(path)
        return session


def _signed(key: ApiKey, method: str, path: str, content: bytes) -> dict[str, str]:
    """The headers that sign one request."""
    timestamp = str(time.time_ns() // 1_000_000)
    message = f"{timestamp}\n{method}\n{path}\n".encode() + content
    return {
        "X-Openbell-Key": key.key_id,
        "X-Openbell-Timestamp": timestamp,
        "X-Openbell-Signature": hmac.new(key.secret.encode(), message, hashlib.sha256).hexdigest(),
    }
