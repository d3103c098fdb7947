"""What callers of the library give, as values of the engine: words, numbers, texts, names and options.

What is right comes back as the engine has it, the rest raises: TypeError for what should be a number and is none (a
float too, which is never exact), ValueError for everything else.
Layer: engine.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, TypeVar

from engine.commands import OrderOptions
from engine.ledger import minor_units
from engine.steps import Step
from engine.types import LEG_UNIT, PostOnly

SYMBOL_LENGTH: Final = 32
CLIENT_ORDER_ID_LENGTH: Final = 64
PERCENT: Final = Step("0.0001")  # a millionth

_Word = TypeVar("_Word", bound=StrEnum)
_POST_ONLY: Final = {True: PostOnly.REJECT, False: None}  # as in the REST API
_PRICES: Final = ("stop_price", "stop_limit_price", "trail_amount", "take_profit", "stop_loss", "stop_loss_limit")
_NO_OPTIONS: Final = OrderOptions()


def member(words: type[_Word], value: object, what: str) -> _Word:
    """The member of an enum, given as itself or as its word."""
    try:
        return words(value)  # type: ignore[arg-type] # raises for what is no text
    except ValueError:
        raise ValueError(f"{value!r} is no {what}: it should be one of {', '.join(words)}") from None


def whole(value: object, what: str, least: int | None = None) -> int:
    """A whole number, not below `least`."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{what} should be an int, not {_shown(value)}")
    if least is not None and value < least:
        raise ValueError(f"{what} should be at least {least}, not {value}")
    return int(value)


def order_number(value: object) -> int:
    """An id that a caller gives an order."""
    number = whole(value, "order_id")
    if not 0 < number < LEG_UNIT:
        raise ValueError(f"{number} is no order id: it should be from 1 to {LEG_UNIT - 1}")
    return number


def name(value: object, what: str, longest: int) -> str:
    """A symbol or a client order id."""
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise ValueError(f"{what} should be a text of 1 to {longest} characters, not {_shown(value)}")
    return value


def counted(value: object, step: Step | None, what: str) -> int | str:
    """How many steps a whole number of them, or a decimal, is; the decimal itself where it is off the grid.

    A `step` of None is that of a symbol which is not listed.
    """
    if isinstance(value, str):
        count = value if step is None else step.count(value)
        if isinstance(count, str) and minor_units(count, 0) is None:
            raise ValueError(f'{what} should be a decimal, such as "5.00", not {value!r}')
        return count
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f'{what} should be an int or the text of a decimal, such as "5.00", not {_shown(value)}')
    return int(value)


def on_grid(value: object, step: Step, what: str) -> int:
    """As `counted`, where nothing refuses what is off the grid but ValueError."""
    count = counted(value, step, what)
    if isinstance(count, str):
        raise ValueError(f"{what} should be a multiple of {step.size}, not {value}")
    return count


def options_of(options: object, tick: Step | None, lot: Step | None) -> OrderOptions | None:
    """The options of an order with their texts counted; None when none is given."""
    if not isinstance(options, OrderOptions):
        raise TypeError(f"options should be OrderOptions, not {_shown(options)}")
    found: dict[str, Any] = {}
    for field in _PRICES:
        value = getattr(options, field)
        found[field] = None if value is None else counted(value, tick, field)
    display, percent, expire_ns = options.display_quantity, options.trail_percent, options.expire_ns
    found["display_quantity"] = None if display is None else counted(display, lot, "display_quantity")
    found["trail_percent"] = None if percent is None else counted(percent, PERCENT, "trail_percent")
    found["expire_ns"] = None if expire_ns is None else whole(expire_ns, "expire_ns")
    asked: Any = options.post_only
    if isinstance(asked, bool):
        asked = _POST_ONLY[asked]
    found["post_only"] = None if asked is None else member(PostOnly, asked, "post_only")
    counted_options = OrderOptions(**found)
    return None if counted_options == _NO_OPTIONS else counted_options


def _shown(value: object) -> str:
    """A value that is refused, and its type; not the whole of a long one."""
    text = repr(value)
    return f"{text if len(text) <= 80 else text[:77] + '...'} ({type(value).__name__})"
