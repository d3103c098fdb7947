"""Signatures of both kinds on both wires, under a clock that is turned by hand."""

from __future__ import annotations

import base64
import hmac
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from api.auth.credentials import AHEAD_MS_MAX, MOMENT_MS, Credentials, SignedMessage, SignedRequest
from api.auth.requests import public_key_bytes
from api.auth.signatures import BLOCK_BYTES, WEAK_KEYS, HmacSha256
from api.json.errors import ApiError, Malformed
from identity.users import ALL_SCOPES, ApiKey
from tests.api.auth.hand_clock import KEY_SECRET, MS_NS, TOKEN_KEY, USER, Clock

PRIVATE = Ed25519PrivateKey.generate()
PUBLIC = PRIVATE.public_key()
PEM = PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def credentials(clock: Clock) -> Credentials:
    """With a key of either kind, a moment after the start."""
    made = Credentials(TOKEN_KEY, 900, clock)
    for key_id, secret, public in (("hmac", KEY_SECRET, None), ("ed", b"", PUBLIC.public_bytes_raw())):
        key = ApiKey(
            key_id=key_id, user=USER, label="", scopes=ALL_SCOPES, ip_list=(), created_ns=clock.now, public_key=public
        )
        made.admit_key(key, secret)
    clock.pass_ms(2 * AHEAD_MS_MAX)
    return made


def signature(key_id: str, message: bytes) -> str:
    """What the owner of a key computes."""
    if key_id == "ed":
        return base64.b64encode(PRIVATE.sign(message)).decode()
    return hmac.digest(KEY_SECRET, message, "sha256").hex()


def message(clock: Clock, key_id: str, use: str, text: str = "symbol=BTCUSDT", **other: Any) -> SignedMessage:
    """A good message of the second wire."""
    fields: dict[str, Any] = {
        "key_id": key_id,
        "timestamp": str(clock.now // MS_NS),
        "window": None,
        "signature": signature(key_id, text.encode()),
        "message": text.encode(),
        "address": "127.0.0.1",
        "use": use,
        "changes": not use.startswith("GET"),
        "retries": False,
    }
    return SignedMessage(**fields | other)


def refused(credentials: Credentials, asked: SignedMessage) -> str:
    """The code that it is refused with."""
    with pytest.raises(ApiError) as refusal:
        credentials.of_message(asked)
    return refusal.value.code


@pytest.mark.parametrize("key_id", ["hmac", "ed"])
def test_a_key_signs_on_either_wire_and_what_it_signs_is_good_on_one(
    credentials: Credentials, clock: Clock, key_id: str
) -> None:
    assert credentials.of_message(message(clock, key_id, "POST /a")).key_id == key_id
    timestamp = str(clock.now // MS_NS)
    signed = f"{timestamp}\nGET\n/orders\n"
    request = SignedRequest(
        key_id=key_id,
        timestamp=timestamp,
        window=None,
        signature=signature(key_id, signed.encode()),
        method="GET",
        target="/orders",
        body=bytes,
        address="127.0.0.1",
    )
    assert refused(credentials, message(clock, key_id, "GET /a", signed)) == "BAD_SIGNATURE"
    assert credentials.of_signature(request).key_id == key_id
    with pytest.raises(ApiError, match="sent before"):
        credentials.of_signature(request)


def test_a_signature_of_another_kind_or_form_is_none_of_that_key(credentials: Credentials, clock: Clock) -> None:
    good = message(clock, "ed", "GET /a").signature
    raw = base64.b64decode(good)
    for key_id, shown in (
        ("ed", signature("hmac", b"symbol=BTCUSDT")),
        ("hmac", good),
        ("nobody", good),
        ("nobody", signature("hmac", b"symbol=BTCUSDT")),
        ("ed", hmac.digest(b"", b"symbol=BTCUSDT", "sha256").hex()),  # of a key whose secret is empty
        ("ed", base64.b64encode(raw[:-1]).decode()),
        ("ed", base64.b64encode(raw + b"\0").decode()),
        ("ed", good[:-2]),
        ("ed", base64.b64encode(bytes(64)).decode()),
        ("ed", "é"),
        ("ed", ""),
    ):
        assert refused(credentials, message(clock, key_id, "GET /a", signature=shown)) == "BAD_SIGNATURE"


@pytest.mark.parametrize("key_id", ["hmac", "ed"])
def test_what_changes_something_comes_once_and_a_reading_as_often_as_it_likes(
    credentials: Credentials, clock: Clock, key_id: str
) -> None:
    for _ in range(2):
        credentials.of_message(message(clock, key_id, "GET /a"))
    unnamed = message(clock, key_id, "POST /a", "a=1")
    credentials.of_message(unnamed)
    assert refused(credentials, unnamed) == "SIGNATURE_REPLAYED"
    named = message(clock, key_id, "POST /a", "a=2", retries=True)
    for _ in range(2):
        credentials.of_message(named)
        clock.pass_ms(1_000)


def test_bytes_are_good_for_something_else_only_at_the_same_moment_and_then_once(
    credentials: Credentials, clock: Clock
) -> None:
    reading, cancel = message(clock, "hmac", "GET /a"), message(clock, "hmac", "DELETE /a")
    credentials.of_message(reading)
    clock.pass_ms(MOMENT_MS)
    credentials.of_message(cancel)
    assert refused(credentials, cancel) == "SIGNATURE_REPLAYED"
    later = message(clock, "hmac", "GET /a", "b=1")
    credentials.of_message(later)
    clock.pass_ms(MOMENT_MS + 1)
    for use, retries in (("DELETE /a", True), ("POST /a", True), ("POST /a", False)):
        asked = message(clock, "hmac", use, "b=1", timestamp=later.timestamp, retries=retries)
        assert refused(credentials, asked) == "SIGNATURE_REPLAYED"


def test_right_after_the_start_readings_are_taken_and_changes_are_not(clock: Clock) -> None:
    started = Credentials(TOKEN_KEY, 900, clock)
    started.admit_key(
        ApiKey(key_id="hmac", user=USER, label="", scopes=ALL_SCOPES, ip_list=(), created_ns=clock.now), KEY_SECRET
    )
    started.of_message(message(clock, "hmac", "GET /a"))
    assert refused(started, message(clock, "hmac", "POST /a")) == "TIMESTAMP_OUTSIDE_WINDOW"


def test_a_public_key_is_read_as_pem_or_base64_and_nothing_else_is() -> None:
    raw = PUBLIC.public_bytes_raw()
    assert public_key_bytes(PEM) == raw
    assert public_key_bytes(f" {base64.b64encode(raw).decode()}\n") == raw
    other = generate_private_key(SECP256R1()).public_key()
    for text in (
        "",
        "x",
        PEM[:-40],
        base64.b64encode(raw[:-1]).decode(),
        "é" * 32,
        other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    ):
        with pytest.raises(Malformed, match="Ed25519"):
            public_key_bytes(text)


@pytest.mark.parametrize("y", sorted(WEAK_KEYS))
@pytest.mark.parametrize("sign", [0, 1])
def test_a_public_key_whose_signatures_anybody_can_make_is_refused(y: int, sign: int) -> None:
    raw = (y | sign << 255).to_bytes(32, "little")
    with pytest.raises(Malformed, match="Ed25519"):
        public_key_bytes(base64.b64encode(raw).decode())


def test_of_the_weakest_key_one_signature_is_good_for_every_message() -> None:
    point = (1).to_bytes(32, "little")
    for message_of_anybody in (b"one", b"another"):
        Ed25519PublicKey.from_public_bytes(point).verify(point + bytes(32), message_of_anybody)


@pytest.mark.parametrize("length", [0, 1, 32, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 200])
def test_an_hmac_whose_secret_is_hashed_once_is_the_one_of_the_standard_library(length: int) -> None:
    secret = bytes(number % 251 for number in range(length))
    made = HmacSha256(secret)
    for text in (b"", b"a", b"1700000000000\nPOST\n/order\n{}", bytes(range(256)) * 9, b"a"):
        assert made.digest(text) == hmac.digest(secret, text, "sha256")


class Records:
    """The signatures that the records of a cluster have: each node asks them."""

    def __init__(self) -> None:
        self.marks: set[bytes] = set()

    def begin(self, signed_ms: int, signature: bytes) -> bool:
        """As what is carried out at once."""
        del signed_ms
        is_new = signature not in self.marks
        self.marks.add(signature)
        return is_new

    def end(self) -> None:
        """Nothing is left to do."""

    def claim(self) -> None:
        """Nothing is left to do."""


@pytest.mark.parametrize("key_id", ["hmac", "ed"])
def test_what_changed_something_at_one_node_is_not_taken_for_something_else_at_another(
    credentials: Credentials, clock: Clock, key_id: str
) -> None:
    credentials.elsewhere = records = Records()
    credentials.of_message(message(clock, key_id, "POST /order"))
    for use in ("POST /order", "DELETE /openOrders"):
        other = Credentials(TOKEN_KEY, 900, clock, not_before_ms=0)
        other.take(credentials.all_good())
        other.elsewhere = records
        assert refused(other, message(clock, key_id, use)) == "SIGNATURE_REPLAYED"
