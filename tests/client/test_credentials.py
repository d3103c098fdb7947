"""Signatures against vectors made by hand, and credentials in files and the environment."""

from __future__ import annotations

import base64
import json
import stat
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from openbell_client import ApiKey, BadAnswer, Session, ed25519_signer
from openbell_client.calls import auth
from openbell_client.credentials import hmac_signer, message
from openbell_client.requests import LoginRequest
from openbell_client.stored import key_of_file, of_environment, session_of_file

BODY = b'{"symbol":"BTC-USDT"}'


def pem_of(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_what_is_signed_is_time_method_path_and_body_joined_by_newlines() -> None:
    signed = message(1_700_000_000_000, "POST", "/order?a=b", BODY)
    assert signed == b'1700000000000\nPOST\n/order?a=b\n{"symbol":"BTC-USDT"}'
    assert message(1, "GET", "/orders", b"") == b"1\nGET\n/orders\n"


def test_an_hmac_signature_is_that_of_openssl() -> None:
    # printf '1700000000000\nPOST\n/order\n{"symbol":"BTC-USDT"}' | openssl dgst -sha256 -hmac the-secret
    signature = hmac_signer("the-secret")(message(1_700_000_000_000, "POST", "/order", BODY))
    assert signature == "ae077e955fc0ffc2e3fab214bfb4b542efe796efd301872eaf80889b4898f3e9"


def test_an_ed25519_signature_is_verified_by_its_public_key() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    signature = base64.b64decode(ed25519_signer(pem_of(key))(BODY))
    key.public_key().verify(signature, BODY)  # raises for a wrong one


def test_a_key_signs_by_the_venues_clock_and_never_the_same_twice() -> None:
    key = ApiKey("k-1", "s")
    key.set_clock(time.time_ns() // 1_000_000 + 60_000)
    headers = [key.headers("GET", "/account", b"") for _ in range(50)]
    assert len({one["X-Openbell-Signature"] for one in headers}) == 50
    ahead = int(headers[0]["X-Openbell-Timestamp"]) - time.time_ns() // 1_000_000
    assert 59_000 < ahead <= 60_000


def test_a_window_is_shown_when_there_is_one() -> None:
    assert "X-Openbell-Window" not in ApiKey("k", "s").headers("GET", "/", b"")
    assert ApiKey("k", "s", window_ms=700).headers("GET", "/", b"")["X-Openbell-Window"] == "700"


def test_secrets_are_in_no_repr() -> None:
    assert "hush" not in repr(ApiKey("k", "hush")) + repr(Session("hush", "hush"))
    answer = {"token": "hush", "token_type": "Bearer", "expires_at": 1, "refresh_token": "hush", "session_id": "s"}
    answer |= {"session_expires_at": 2, "name": "ann", "account": 7, "role": "trader", "guest": True}
    signed_in = auth.log_in("ann", "hush").converted(answer | {"change_password_by": None})
    assert "hush" not in repr(signed_in) + repr(LoginRequest(name="ann", password="hush"))  # noqa: S106
    assert "hush" not in repr(auth.log_in("ann", "hush"))
    assert "name='ann'" in repr(signed_in)


def test_secrets_are_in_no_error_about_an_answer() -> None:
    with pytest.raises(BadAnswer, match="POST /auth/guest") as error:
        auth.guest().read(b'{"token": "hush", "expires_at": "soon"}')
    assert "hush" not in str(error.value)


def test_a_key_needs_a_secret_or_a_signer() -> None:
    with pytest.raises(ValueError, match="secret or a signer"):
        ApiKey("k")


def test_keys_and_sessions_are_read_from_files(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    file.write_text(json.dumps({"key_id": "k-1", "secret": "s", "scopes": ["read"]}))
    assert key_of_file(file).key_id == "k-1"
    (tmp_path / "key.pem").write_bytes(pem_of(Ed25519PrivateKey.generate()))
    file.write_text(json.dumps({"key_id": "k-2", "private_key_file": "key.pem"}))
    assert len(base64.b64decode(key_of_file(file).headers("GET", "/", b"")["X-Openbell-Signature"])) == 64
    file.write_text("a-token\n")
    assert session_of_file(file).headers("GET", "/", b"") == {"Authorization": "Bearer a-token"}
    file.write_text("{}")
    for read in (key_of_file, session_of_file):
        with pytest.raises(ValueError, match="is no file of a"):
            read(file)


def test_a_renewed_session_is_kept_in_its_file_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "session.json"
    file.write_text(json.dumps({"url": "http://x", "name": "ann", "token": "t1", "refresh_token": "r1"}))
    session_of_file(file).renew("t2", "r2", None)
    assert json.loads(file.read_text()) == {"url": "http://x", "name": "ann", "token": "t2", "refresh_token": "r2"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_environment_holds_a_key_or_a_token() -> None:
    assert of_environment({}) is None
    assert isinstance(of_environment({"OPENBELL_TOKEN": "t"}), Session)
    assert isinstance(of_environment({"OPENBELL_KEY": "k", "OPENBELL_SECRET": "s"}), ApiKey)
    with pytest.raises(ValueError, match="go together"):
        of_environment({"OPENBELL_KEY": "k"})
