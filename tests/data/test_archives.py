"""Recorded files as people have them: compressed in several ways, named anyhow, damaged, with a header row."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.archives import RecordError, numbered_lines
from tools.recorded import lobster_levels, read_bitstamp, read_lobster_depths, read_lobster_messages

LINES = "".join(f"{34200 + n}.5,1,{n + 1},100,310000,1\n" for n in range(5000))
COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "plain": bytes,
}  # fmt: skip


@pytest.mark.parametrize("how", COMPRESSORS)
@pytest.mark.parametrize("name", ["m.csv", "m.csv.XZ", "m.csv.gz", "m.Bz2", "m"])
def test_the_bytes_decide_how_a_file_is_compressed_whatever_its_name(tmp_path: Path, how: str, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(COMPRESSORS[how](LINES.encode()))
    assert sum(1 for _ in read_lobster_messages(path)) == 5000


@pytest.mark.parametrize("how", ["gz", "bz2", "xz"])
@pytest.mark.parametrize("damage", ["truncated", "flipped"])
def test_a_damaged_archive_is_one_sentence_with_the_last_good_line(tmp_path: Path, how: str, damage: str) -> None:
    path = tmp_path / f"m.{how}"
    whole = COMPRESSORS[how](LINES.encode())
    middle = len(whole) * 2 // 3
    flipped = whole[:middle] + bytes([whole[middle] ^ 255, whole[middle + 1] ^ 255]) + whole[middle + 2 :]
    path.write_bytes(whole[:middle] if damage == "truncated" else flipped)
    with pytest.raises(RecordError) as found:
        list(read_lobster_messages(path))
    assert str(found.value).startswith(f"m.{how}")
    assert "line" in str(found.value)
    assert "\n" not in str(found.value)


def test_a_wrong_checksum_at_the_end_is_damage(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(LINES.encode()))
    whole[-6] ^= 1
    (tmp_path / "m.gz").write_bytes(whole)
    with pytest.raises(RecordError, match=r"m\.gz is damaged.* after line 5000.*CRC"):
        list(read_lobster_messages(tmp_path / "m.gz"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"\x89PNG\r\n\x1a\n\x00\x00", "line 1 is not text"), (b"1.5,1,2\x00,3,4,1\n", "line 1 is not text"),
     (b"", "has no lines"), (b"\n\n", "has no lines"), (b"PK\x03\x04rest", "ZIP archive: unpack it first"),
     (b"7z\xbc\xaf\x27\x1crest", "7z archive: unpack it first"), (b"\x28\xb5\x2f\xfdrest", "zstd -d"),
     (b"\x1f\x8b", "m.csv is damaged: it cannot be decompressed from its first line on"),
     (b"1" * 5_000_000, "no end within")],
)  # fmt: skip
def test_what_is_no_text_is_said_to_be_none(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(content)
    with pytest.raises(RecordError, match=sentence):
        list(read_lobster_messages(path))


def test_windows_line_ends_a_byte_order_mark_and_empty_lines_at_the_end_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(b"\xef\xbb\xbf1.5,1,2,3,4,1\r\n1.5,1,3,3,4,1\r\n\r\n\n")
    assert [message.order_id for message in read_lobster_messages(path)] == [2, 3]
    path.write_bytes(b"a\n\nb\n\n")
    assert list(numbered_lines(path)) == [(1, "a"), (2, ""), (3, "b")]


def test_a_header_row_is_left_out_and_told(tmp_path: Path) -> None:
    path, notes = tmp_path / "m.csv", list[str]()
    path.write_text("Time,Type,OrderID,Size,Price,Direction\n1.5,1,2,3,4,1\n")
    assert len(list(read_lobster_messages(path, notes))) == 1
    path.write_text("ask1,asize1,bid1,bsize1\n5,1,4,1\n")
    assert len(list(read_lobster_depths(path, notes))) == 1
    assert lobster_levels(path) == 1
    path.write_text('time kind json\n5 order_book {"bids": [], "asks": []}\n')
    assert len(list(read_bitstamp(path, notes))) == 1
    assert notes == ["m.csv, line 1 is a header row: left out"] * 3


def test_a_header_row_further_down_is_an_error_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("1.5,1,2,3,4,1\nTime,Type,OrderID,Size,Price,Direction\n")
    with pytest.raises(RecordError, match="line 2: 'OrderID' is not a whole number"):
        list(read_lobster_messages(path))


def test_an_order_book_file_given_as_messages_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("5,1,4,1\n")
    with pytest.raises(RecordError, match=r"4 columns, where a message has 6; an order book file is named with --book"):
        list(read_lobster_messages(path))
