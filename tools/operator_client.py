"""A venue as an operator asks it: signed by an API key, or in a session that is kept in a file.

Layer: tools.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from openbell.programs import called
from openbell_client import ApiKey, BadAnswer, Client, OpenbellError, Refused, Session, Unavailable
from openbell_client.calls.call import Method
from openbell_client.stored import write_secret

TIMEOUT_S: Final = 30.0


class OperatorError(Exception):
    """What was asked for did not happen; the message says why."""


class KeptSession(msgspec.Struct, frozen=True, kw_only=True):
    """Where somebody is signed in. Holds secrets: its file is for its owner only."""

    url: str
    name: str
    token: str
    refresh_token: str


class OperatorClient:
    """One venue. Credentials are the key when there is one, else the session kept in `session_file`."""

    def __init__(self, url: str, session_file: Path, key: ApiKey | None = None) -> None:
        """Raises OperatorError when `url` is none."""
        try:
            self._client = Client(url, key, timeout_s=TIMEOUT_S, retry_for_s=0)  # somebody waits, and may ask again
        except ValueError as error:
            raise OperatorError(str(error)) from error
        self.url = self._client.url
        self._session_file = session_file
        self._key = key

    # -- signing in

    def log_in(self, name: str, password: str, code: str | None = None) -> dict[str, Any]:
        """Open a session and keep it. Raises OperatorError when `name` is no operator, Refused for a wrong password."""
        try:
            signed_in = self._client.log_in(name, password, code)
        except (Unavailable, BadAnswer) as error:
            raise self._unanswered(error) from error
        if signed_in.role != "operator":
            self._client.log_out()
            raise OperatorError(f"{signed_in.name} is not an operator; see {called('users')}")
        self._keep(signed_in.name, signed_in.token, signed_in.refresh_token or "")
        return {"name": signed_in.name, "account": str(signed_in.account), "role": signed_in.role}

    def log_out(self) -> None:
        """End the session that is kept, and forget it."""
        try:
            self._client.credentials = self._kept()
            self._asked("POST", "/auth/logout", None)
        finally:
            self._session_file.unlink(missing_ok=True)

    # -- asking

    @property
    def is_signed_in(self) -> bool:
        """Whether a session at this venue is kept."""
        try:
            self._kept()
        except OperatorError:
            return False
        return True

    def public(self, path: str, method: Method = "GET", body: Any = None) -> Any:
        """What everybody may see or do, without credentials."""
        self._client.credentials = None
        return self._asked(method, path, body)

    def ask(self, method: Method, path: str, body: Any = None) -> Any:
        """The body of an answer that was granted. Raises Refused, OperatorError."""
        self._client.credentials = self._key if self._key is not None else self._kept()
        return self._asked(method, path, body)

    def _asked(self, method: Method, path: str, body: Any) -> Any:
        try:
            return self._client.ask(method, path, body)
        except Refused:
            raise
        except OpenbellError as error:
            raise self._unanswered(error) from error

    def _unanswered(self, error: OpenbellError) -> OperatorError:
        if isinstance(error, BadAnswer):
            return OperatorError(f"what answers at {self.url} is no Openbell")
        return OperatorError(f"no answer from {self.url}: {error}")

    # -- the session's file

    def _kept(self) -> Session:
        """The session that login kept; its file follows when its token is renewed."""
        try:
            kept = msgspec.json.decode(self._session_file.read_bytes(), type=KeptSession)
        except (OSError, msgspec.DecodeError) as problem:
            raise OperatorError(
                "not signed in: use the command login, or set OPENBELL_KEY and OPENBELL_SECRET"
            ) from problem
        if kept.url != self.url:
            raise OperatorError(f"signed in at {kept.url}, not at {self.url}: use the command login")

        def renewed(session: Session) -> None:
            self._keep(kept.name, session.token, session.refresh_token or "")

        return Session(kept.token, kept.refresh_token, on_change=renewed)

    def _keep(self, name: str, token: str, refresh_token: str) -> None:
        kept = KeptSession(url=self.url, name=name, token=token, refresh_token=refresh_token)
        write_secret(self._session_file, kept)
