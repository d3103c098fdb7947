"""The plain CSV of our own: the documented example through the engine, and what is refused, with its line."""

import re
from pathlib import Path

import pytest

from tests.data.documented import documented
from tests.data.venue import EngineVenue
from tools.archives import RecordError
from tools.plain_csv import ACTIONS, COLUMNS, PlainCsvPlayback, decimals, read_plain
from tools.playback import AmendStep, CancelStep, EnterStep

HEADER = ",".join(COLUMNS)


def written(folder: Path, *lines: str) -> Path:
    path = folder / "flow.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_documented_example_uses_every_action_and_makes_the_trades_that_it_records(tmp_path: Path) -> None:
    path = written(tmp_path, documented().rstrip("\n"))
    rows = list(read_plain(path))
    assert {row.action for row in rows} == set(ACTIONS)
    playback = PlainCsvPlayback(rows)
    venue = EngineVenue(playback)
    for event in playback.events():
        for step in event.steps:
            venue.do(step)
    assert venue.refused == []
    assert playback.made == playback.recorded != []
    assert venue.open_keys() == set()


def test_prices_and_quantities_are_whole_numbers_of_the_finest_decimal_in_the_file(tmp_path: Path) -> None:
    path = written(
        tmp_path, HEADER, "1,new,a,buy,100.50,0.001", "2,amend,a,,100.2500,", "3,amend,a,,,2", "4,cancel,a,,,"
    )
    playback = PlainCsvPlayback(list(read_plain(path)))
    assert (playback.price_scale, playback.quantity_scale, playback.prices) == (2, 3, {10050, 10025})
    steps = [step for event in playback.events() for step in event.steps]
    assert steps == [
        EnterStep(2, "buy", "limit", 10050, 1),
        AmendStep(2, 10025, None),
        AmendStep(2, None, 2000),
        CancelStep(2),
    ]
    assert decimals("1e-5") == 5
    assert decimals("120") == 0


def test_columns_may_stand_in_any_order_and_any_case(tmp_path: Path) -> None:
    path = written(tmp_path, "Action,Side,Price,Quantity,ID,Time", "NEW,Buy,1,2,x,1430438404.5000000004")
    (row,) = read_plain(path)
    assert (row.action, row.side, row.id, row.time_ns) == ("new", "buy", "x", 1_430_438_404_500_000_000)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [("1,new,a,buy,1", "5 columns, where the header row names 6"), ("x,new,a,buy,1,1", "'x' is not a number"),
     ("1,enter,a,buy,1,1", "'enter' is no action; there are new, market"), ("1,new,,buy,1,1", "new needs id"),
     ("1,new,a,bid,1,1", "'bid' is no side"), ("1,new,a,buy,1,0", "a quantity is above zero"),
     ("1,new,a,buy,1_0,1", "'1_0' is not a number"), ("1,new,a,buy,-1,1", "'-1' is not a number"),
     ("1,market,,buy,5,1", "market has no price; leave it empty"), ("1,cancel,b,,,", "no order 'b' entered before"),
     ("1,cancel,z,,1,", "cancel has no price; leave it empty"), ("1,amend,z,,,", "amend needs a price or a quantity"),
     ("1,new,z,sell,1,1", "an order 'z' entered before"), ('1,new,"a,buy,1,1', "line 3")],
)  # fmt: skip
def test_what_is_not_in_the_format_is_one_sentence_with_its_line(tmp_path: Path, line: str, sentence: str) -> None:
    with pytest.raises(RecordError, match=re.escape(sentence)) as found:
        list(read_plain(written(tmp_path, HEADER, "1,new,z,buy,1,1", line)))
    assert "flow.csv, line 3" in str(found.value)


def test_the_header_row_is_required(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="line 1: a header row must name the columns time,action,id,side"):
        list(read_plain(written(tmp_path, "1,new,a,buy,1,1")))


def test_a_file_without_rows_says_so(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="no row below the header"):
        PlainCsvPlayback(list(read_plain(written(tmp_path, HEADER))))
