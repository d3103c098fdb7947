"""CSV files of a class as people and their programs write them: what is read, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.operator_class import PROBLEMS_SHOWN, ROWS_MAX, read_class
from tools.operator_client import OperatorError

TWO = [{"name": "ann", "balances": {"USDT": "1"}}, {"name": "bob", "balances": {}}]


def written(folder: Path, content: bytes) -> Path:
    """A file of this content."""
    file = folder / "class.csv"
    file.write_bytes(content)
    return file


@pytest.mark.parametrize(
    "content",
    [
        b"name,USDT\nann,1\nbob,\n",
        b"\xef\xbb\xbfname,USDT\r\nann,1\r\nbob,\r\n",
        b'USDT, name\n"1", ann \n, "bob"',
        b"name,USDT\rann,1\rbob,\r",
    ],
)
def test_any_line_ends_quotes_and_byte_order_mark_are_read(tmp_path: Path, content: bytes) -> None:
    assert read_class(written(tmp_path, content)) == TWO


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "line 1 names the columns"),
        (b"name,USDT\n", "not 0"),
        (b"name;USDT\nann;1\n", "not name;USDT"),
        (b"name,USDT,USDT\nann,1,1\n", "each once"),
        (b"name,USDT\n=cmd(),1\n", "line 2: '=cmd()' is no name"),
        (b"name,USDT\nann,=1+1\n", "line 2: USDT: '=1+1' is no amount"),
        (b"name,USDT\nAnn,1\nann,1\n", "line 3: ann is named in line 2"),
        (b'name,USDT\n"an\nn",1\n', "is no name"),
        (b'name,USDT\nann,1\n"bob,1\n', "line 3: "),
        (b"name,USDT\nann,1e999999999999999999999\n", "is no amount"),
        (b"name,USDT\nann,-1\n", "is no amount"),
        (b"name,USDT\nann,nan\n", "is no amount"),
        (b"name,USDT\nann,\xd9\xa1\n", "is no amount"),
        (b"name,USDT\n\xe4nn,1\n", "decode"),
        (b"name,USDT\nann," + b"1" * 200_000, "line 2: field larger"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(OperatorError) as refusal:
        read_class(written(tmp_path, content))
    assert words in str(refusal.value)


def test_a_file_of_any_length_is_read_or_refused_in_a_few_lines(tmp_path: Path) -> None:
    good = b"name,USDT\n" + b"".join(b"u%06d,10\n" % number for number in range(ROWS_MAX))
    assert len(read_class(written(tmp_path, good))) == ROWS_MAX
    with pytest.raises(OperatorError, match="not 100,001"):
        read_class(written(tmp_path, good + b"one,1\n"))
    with pytest.raises(OperatorError) as refusal:
        read_class(written(tmp_path, b"name,USDT\n" + b"x,zz\n" * ROWS_MAX))
    assert len(str(refusal.value).splitlines()) == PROBLEMS_SHOWN + 2
    assert str(refusal.value).endswith(" more")
