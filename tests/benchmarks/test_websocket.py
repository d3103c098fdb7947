"""Frames are taken apart wherever the reads end."""

from __future__ import annotations

import pytest

from benchmarks.websocket import frame, packets

HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


def served(packet: bytes) -> bytes:
    """A frame of a server, which is not masked."""
    length = len(packet)
    if length < 126:
        return b"\x81" + bytes([length]) + packet
    if length < 65_536:
        return b"\x81\x7e" + length.to_bytes(2, "big") + packet
    return b"\x81\x7f" + length.to_bytes(8, "big") + packet


@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_packets_of_every_length_come_out_as_they_went_in(step: int) -> None:
    sent = [b"0{}", b"2", b"x" * 125, b"y" * 126, b"z" * 70_000, b"end"]
    stream = HEAD + b"".join(map(served, sent))
    buffer, found = bytearray(), []
    for at in range(0, len(stream), step):
        buffer += stream[at : at + step]
        found += packets(buffer)
    assert found == sent
    assert not buffer


def test_a_refused_upgrade_is_an_error() -> None:
    with pytest.raises(ConnectionError, match="503"):
        packets(bytearray(b"HTTP/1.1 503 Service Unavailable\r\n\r\n"))


@pytest.mark.parametrize("length", [3, 125, 126, 1000])
def test_a_frame_of_a_client_is_masked_with_zeros(length: int) -> None:
    made = frame(b"a" * length)
    assert made[0] == 0x81
    assert made[1] & 0x80
    assert made.endswith(b"\0\0\0\0" + b"a" * length)
