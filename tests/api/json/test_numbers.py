"""What is no number is read as none, wherever one comes from outside; what is one is read exactly."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from api.json.errors import Malformed
from api.json.exact import RepeatedKey, decode_exactly
from api.json.requests import converted
from api.options import options, settings_from
from api.orders.requests import OrderRequest
from listings.grid import whole_units
from listings.instruments_file import DEFAULT_INSTRUMENTS, ListingError, read_instruments
from listings.numbers import Number, decimal_of, exactly, read_number, whole_number
from tests.server import ROOT, Http
from tools.flow import positive, symbols_with_prices
from tools.operator import main as operator_main

NO_NUMBERS = [
    "", " ", " 1", "1 ", "1\n", "\t1", "1\u00a0", "1_5", "1_000", "_1", "1_", "+1", "+1.5", "--1", "1-", "\u0661\u0662",
    "\uff12", "1\u0665", "\u06f1", "\u0967", "\u00b2", "\u00bd", "\u2160", "0x10", "0b1", "0o7", "1,5", "1.000,50",
    "29 000.50", "1'000", ".5", "5.", ".", "1.5.2", "1e", "e5", "1e+", "1e1.5", "1E5_0", "1e\u0665", "Infinity", "inf",
    "-Infinity", "NaN", "nan", "sNaN", "1n", "1L", "1f", "$1", "1%", "1/2", "(1)", "\u22121", "1\x00", "\ufeff1",
    "null", "true", "1e5 BTC",
]  # fmt: skip
NUMBERS = ["1", "0.5", "30000.00", "007", "1e3", "1E3", "2.5e-1", "12345678901234567890.123456789", "0.10", "1e+2"]
FIELDS = (
    "quantity", "price", "stop_price", "display_quantity", "quote_quantity", "trail_amount", "trail_percent",
    "take_profit", "stop_loss", "stop_loss_limit", "stop_limit_price", "expire_time",
)  # fmt: skip
ORDER = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.5", "price": "29000.00"}


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_number_is_none_in_any_field(text: str) -> None:
    assert decimal_of(text) is None
    assert whole_number(text) is None
    with pytest.raises(ValueError, match="number"):
        read_number(Number, text)


@pytest.mark.parametrize("text", NUMBERS)
def test_what_is_a_number_is_read_exactly(text: str) -> None:
    assert decimal_of(text) == Decimal(text)
    assert read_number(Number, text) == Decimal(text)


@pytest.mark.parametrize("value", [True, False, 1.5, None, [], {}, b"1"])
def test_only_texts_and_numbers_are_numbers(value: Any) -> None:
    with pytest.raises(ValueError, match="number"):
        read_number(Number, value)


@given(st.text(max_size=12) | st.from_regex(r"\s*[+-]?[\d_]*\.?[\d_]*([eE][+-]?[\d_]*)?\s*", fullmatch=True))
def test_the_grammar_is_that_of_json_but_for_zeros_in_front(text: str) -> None:
    shortened = re.sub(r"\A(-?)0+(?=[0-9])", r"\1", text)
    try:
        by_json = json.loads(shortened, parse_int=Decimal, parse_float=exactly, parse_constant=lambda _: None)
    except ValueError:
        by_json = None
    is_number = isinstance(by_json, Decimal) and shortened == shortened.strip()
    assert (decimal_of(text) is not None) is is_number, (text, by_json)


@pytest.mark.parametrize("field", FIELDS)
def test_no_field_of_an_order_takes_what_is_no_number(http: Http, field: str) -> None:
    for text in NO_NUMBERS:
        answer = http.post("/order/test", ORDER | {field: text})
        assert answer.status == 400, (field, text, answer.content)
        assert answer.json["details"]["field"] == field


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("text", ["-1", "-0.5", "-0", "0", "-1e3"])
def test_what_must_be_above_zero_says_so(http: Http, field: str, text: str) -> None:
    refusal = http.post("/order/test", ORDER | {field: text}).refused(400, "NOT_POSITIVE")
    assert refusal["error"].startswith(f"{field} must be above zero, not {text if 'e' not in text else '-1'}")
    assert refusal["details"] == {"field": field}


@pytest.mark.parametrize("field", ["quantity", "expire_time"])
@pytest.mark.parametrize(
    "number", [b"1e99999999999999999999", b"1e-99999999999999999999", b"-1e99999999999999999999", b"9" * 5000]
)
def test_a_number_beyond_reading_is_malformed_and_not_our_mistake(http: Http, field: str, number: bytes) -> None:
    rest = msgspec.json.encode({name: value for name, value in ORDER.items() if name != field})[:-1]
    for written in (number, b'"' + number + b'"'):
        answer = http.call("POST", "/order/test", rest + b',"' + field.encode() + b'":' + written + b"}")
        assert answer.status == 400, answer.content
        assert answer.json["details"]["field"] == field


def test_numbers_of_json_are_read_exactly(http: Http) -> None:
    body = b'{"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": 0.5, "price": %s}'
    assert http.call("POST", "/order/test", body % b"29000.01").granted()["price"] == "29000.01"
    assert http.call("POST", "/order/test", body % b"2.9e4").granted()["price"] == "29000.00"
    off = http.call("POST", "/order/test", body % b"29000.010000000000000000001").granted()
    assert off["error_code"] == "BAD_TICK"


@pytest.mark.parametrize(
    "path",
    [
        "/book/BTC-USDT?levels={}", "/book/BTC-USDT/orders?limit={}", "/book/BTC-USDT/orders?price={}",
        "/trades/BTC-USDT?limit={}", "/trades/BTC-USDT?before={}", "/orders?limit={}", "/orders?cursor={}",
        "/candles/BTC-USDT?start={}", "/candles/BTC-USDT?end={}", "/candles/BTC-USDT?limit={}",
        "/quote/BTC-USDT?side=buy&quantity={}", "/account/fills?before={}", "/account/ledger?limit={}",
    ],
)  # fmt: skip
def test_no_query_takes_what_is_no_number(http: Http, path: str) -> None:
    taken = [text for text in NO_NUMBERS if http.call("GET", path.format(quote(text))).status != 400]
    assert taken == []


@pytest.mark.parametrize("path", ["/order/{}", "/order/{}/explain", "/trade/{}/explain", "/command/{}/explain"])
def test_no_path_takes_what_is_no_number(http: Http, path: str) -> None:
    order = http.enter("BTC-USDT", "buy", "0.01", "20000.00")
    number = order["order_id"]
    for text in (f"{number[0]}_{number[1:]}", f"+{number}", f" {number}", f"{number}\n", f"{number}.0", f"{number}e0",
                 "".join(chr(0x660 + int(digit)) for digit in number)):  # fmt: skip
        assert http.call("GET", path.format(quote(text))).status == 404, text
    http.call("DELETE", f"/order/{number}").granted()


@pytest.mark.parametrize("route", ["deposit", "withdraw"])
def test_no_money_moves_by_what_is_no_number(http: Http, route: str) -> None:
    before = http.get("/account/balances")["balances"]
    for text in NO_NUMBERS:
        refusal = http.post(f"/account/{route}", {"asset": "USDT", "amount": text})
        assert refusal.status == 400, (text, refusal.content)
        assert refusal.json["details"]["field"] == "amount"
    assert http.get("/account/balances")["balances"] == before


NUMBER_IN_FILE = ("tick_size", "lot_size", "max_quantity", "min_notional", "maker_fee_bps", "collar_percent")


@pytest.mark.parametrize("field", NUMBER_IN_FILE)
def test_no_instruments_file_says_what_is_no_number(tmp_path: Path, field: str) -> None:
    lines = DEFAULT_INSTRUMENTS.read_text(encoding="utf-8").splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith(f"{field} ="))
    path = tmp_path / "instruments.toml"
    for text in ("1_5", "\u0661", " 1", "+1", "Infinity", ".5", "5."):
        lines[at] = f'{field} = "{text}"'
        path.write_text("\n".join(lines), encoding="utf-8")
        with pytest.raises(ListingError, match=f"^BTC-USDT: {field} .* is no number$"):
            read_instruments(path)


def test_a_fraction_of_toml_is_read_exactly(tmp_path: Path) -> None:
    text = DEFAULT_INSTRUMENTS.read_text(encoding="utf-8").replace('tick_size = "0.01"', "tick_size = 0.010", 1)
    (tmp_path / "instruments.toml").write_text(text, encoding="utf-8")
    assert read_instruments(tmp_path / "instruments.toml")[0].tick_size == "0.010"


@pytest.mark.parametrize("text", ["1_5000", "\u0665\u0660\u0660\u0660", " 5000", "+5000", "5000.0", "5e3", "0x1388"])
def test_no_setting_takes_what_is_no_number(tmp_path: Path, text: str) -> None:
    @click.command(context_settings={"auto_envvar_prefix": "OPENBELL"})
    @options
    def command(**values: Any) -> None:
        click.echo(settings_from(values).port)

    def outcome(*arguments: str, **environment: str) -> str:
        result = CliRunner(env=environment).invoke(command, arguments)
        return result.output if result.exit_code else f"taken: {result.output}"

    (tmp_path / "settings.toml").write_text(f'port = "{text}"', encoding="utf-8")
    assert "is not a valid integer" in outcome("--port", text)
    assert "is not a valid integer" in outcome(OPENBELL_PORT=text)
    assert "is not a valid integer" in outcome("--config", str(tmp_path / "settings.toml"))
    (tmp_path / "settings.toml").write_text("port = 5000.7", encoding="utf-8")
    assert "is not a valid integer" in outcome("--config", str(tmp_path / "settings.toml"))
    assert "--onramp-limit" in outcome("--onramp-limit", text if text not in ("5000.0", "5e3") else "-5")
    assert outcome("--port", "5000") == "taken: 5000\n"


@pytest.mark.parametrize("text", ["1_5", "\u0663", " 3", "+3", "0x3", "inf", "nan", ""])
def test_no_command_line_takes_what_is_no_number(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="above zero"):
        positive(text)
    with pytest.raises(ValueError, match="price"):
        symbols_with_prices(f"BTC-USDT={text}")
    for command in ("audit", "accounts"):
        result = CliRunner().invoke(operator_main, [command, "--limit", text])
        assert (result.exit_code, "--limit" in result.output) == (2, True), command
    assert "is not a valid integer" in result.output
    explained = subprocess.run(
        [sys.executable, "-m", "explain", str(tmp_path), "order", text],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert explained.returncode == 2
    assert "invalid whole value" in explained.stderr


# -- keys that come twice, and conversion: exact and cheap

names = st.text(st.sampled_from('ab:"\\\u00e9 {'), max_size=3)
scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.text(st.sampled_from('a:"\\,{}'), max_size=4)
pairs = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(names, inner), max_size=4).map(tuple),
    max_leaves=8,
)


def text_of(value: Any, chance: Any) -> str:
    """JSON of objects that are given as tuples of pairs, so that keys may repeat; characters escaped now and then."""
    if isinstance(value, tuple):
        return "{" + ", ".join(f"{quoted(key, chance)} : {text_of(item, chance)}" for key, item in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(text_of(item, chance) for item in value) + "]"
    return quoted(value, chance) if isinstance(value, str) else json.dumps(value)


def quoted(text: str, chance: Any) -> str:
    return '"' + "".join(f"\\u{ord(c):04x}" if chance.random() < 0.3 else json.dumps(c)[1:-1] for c in text) + '"'


def expected(value: Any) -> Any:
    """What `plain` makes of it, told in the plainest way."""
    if isinstance(value, list):
        return [expected(item) for item in value]
    if not isinstance(value, tuple):
        return value
    found: dict[str, Any] = {}
    for key, item in value:
        inner = expected(item)
        if key in found:
            return RepeatedKey(key)
        if isinstance(inner, RepeatedKey):
            return RepeatedKey(f"{key}.{inner.name}")
        found[key] = inner
    return found


@given(pairs, st.randoms(use_true_random=False))
def test_a_key_that_comes_twice_is_found_wherever_it_is_and_no_other(value: Any, chance: Any) -> None:
    text = text_of(value, chance)
    assert decode_exactly(text.encode()) == expected(value)


@pytest.mark.parametrize(
    ("event", "repeated"),
    [
        (b'["order",{"price":1,"side":"a"}]', False),
        (b'["order",{"price":1,"side":"a:b"}]', False),
        (b'["order",{"price":1,"price":2}]', True),
        (b'["order",{"price":1,"price":2,"side":"a:b"}]', True),
        (b'["a:b",{"price":1,"price":2}]', True),
        (b'[{"a":1},{"price":1,"price":2}]', True),
        (b'[{"a":1,"a":2},{"price":1}]', False),
    ],
)
def test_a_key_of_an_event_that_comes_twice_is_found(event: bytes, repeated: bool) -> None:
    assert (decode_exactly(event)[1] == RepeatedKey("price")) is repeated


@given(st.decimals(allow_nan=False, allow_infinity=False, places=None), st.sampled_from(["0.01", "0.25", "1", "1e-18"]))
def test_units_are_counted_exactly_or_not_at_all(value: Decimal, step: str) -> None:
    units = whole_units(value, Decimal(step))
    digits, exponent = value.as_tuple().digits, value.adjusted()
    if not -60 <= exponent <= 60 or len(digits) > 60:
        assert units is None
    elif isinstance(units, int):
        assert Decimal(units).scaleb(0) * Decimal(step) == value or units == 0 == value
    elif units is not None:
        assert Decimal(units) == value
        assert value % Decimal(step) != 0 if exponent < 20 else True


def test_words_are_told_as_they_were_sent() -> None:
    with pytest.raises(Malformed, match="side must be buy or sell, not 'LONG'"):
        converted(ORDER | {"side": "LONG", "order_type": "LIMIT"}, OrderRequest)
