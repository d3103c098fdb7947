"""A public benchmark's matching workload (shared/data/flash), and its report from different engines.

A message is `type,side,ioc,quantity,seq,order_id,price`, all whole numbers; a report is text lines that begin with
their type and the message's seq. `digest` sorts and hashes them, to be compared with the answers that come with the
data.
"""

from __future__ import annotations

import hashlib
import lzma
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.commands import CancelOrder, Command, Deposit, EnterOrder, ListInstrument
from engine.events import Cancelled, Completed, Event, Filled, Rejected
from engine.instrument import Instrument
from engine.types import AccountId, Amount, Lots, OrderId, OrderType, Seq, Side, Ticks, TimeInForce

if TYPE_CHECKING:
    from engine.library import MatchingEngine  # which an earlier tree, run beside this one, does not have

Message = tuple[int, int, int, int, int, int, int]
Apply = Callable[[Command, Seq, int], list[Event]]

FOLDER: Final = Path(__file__).resolve().parents[2] / "shared" / "data" / "flash"
ANSWERS: Final = {  # by file: trades, orders open at the end, SHA-256 of the report
    "normal-200k": (6191, 562, "95581e86b8613e6c57987cce0bb8bd9c6fa2aae2f00c1b39d6d2ed9fa4506b21"),
    "swing-25-200k": (6693, 246, "1b3dc27a6ac0dc082665831b011a0caba98d00fcfd552500544a283620dc933c"),
}
NEW, CANCEL = 0, 1  # types of messages; the third is to modify
SYMBOL: Final = "FLASH"
ACCOUNT: Final = AccountId(1)
_SIDES = (Side.BUY, Side.SELL)
_TIMES_IN_FORCE = (TimeInForce.GTC, TimeInForce.IOC)


@cache
def messages(name: str, folder: Path | str = FOLDER) -> list[Message]:
    """The messages of one file."""
    with lzma.open(Path(folder, f"{name}.csv.xz"), "rt") as file:
        return [_message(*map(int, line.split(","))) for line in file]


def _message(kind: int, side: int, ioc: int, quantity: int, seq: int, order_id: int, price: int) -> Message:
    return kind, side, ioc, quantity, seq, order_id, price


def digest(lines: list[str]) -> str:
    """The SHA-256 of a report, sorted by seq and type."""
    return hashlib.sha256("\n".join(sorted(lines, key=_seq_and_type)).encode()).hexdigest()


def _seq_and_type(line: str) -> tuple[int, int]:
    kind, seq, _ = line.split(",", 2)
    return int(seq), int(kind)


def by_library(workload: list[Message], engine: MatchingEngine) -> list[str]:
    """The report of the engine as a library, which is new."""
    lines = list[str]()
    engine.list_symbol(SYMBOL)
    enter, cancel, add = engine.enter, engine.cancel, lines.append
    for kind, side, ioc, quantity, seq, order_id, price in workload:
        if kind == NEW:
            add(f"0,{seq},{side},{order_id},{price},{quantity}")
            result = enter(SYMBOL, _SIDES[side], quantity, price, _TIMES_IN_FORCE[ioc], order_id=order_id)
        elif kind == CANCEL:
            result = cancel(order_id)
        elif engine.order(order_id) is None:
            add(f"5,{seq},{order_id}")
            continue
        else:
            add(f"3,{seq},{side},{order_id},{price},{quantity}")
            cancel(order_id)
            result = enter(SYMBOL, _SIDES[side], quantity, price, order_id=order_id)
        for event in result:
            if event.__class__ is Cancelled:
                add(f"2,{seq},{side},{event.order_id},{event.price}")
            elif event.__class__ is Filled:
                add(f"1,{seq},{event.price},{event.quantity},{event.maker_order_id},{event.taker_order_id}")
            elif event.__class__ is Rejected:
                add(f"4,{seq},{order_id}")
    return lines


def by_commands(workload: list[Message], apply: Apply) -> list[str]:
    """The report of an exchange with its ledger, through `apply` as the naive one also has it, with maps of ids."""
    lines, ids, names, seqs = list[str](), dict[int, OrderId](), dict[OrderId, int](), _opened(apply)
    add = lines.append
    for kind, side, ioc, quantity, seq, name, price in workload:
        if kind == NEW:
            add(f"0,{seq},{side},{name},{price},{quantity}")
        elif name not in ids:
            add(f"{4 if kind == CANCEL else 5},{seq},{name}")
            continue
        else:
            number = next(seqs)
            events = apply(CancelOrder(ACCOUNT, ids.pop(name)), number, number)
            if kind != CANCEL:
                add(f"3,{seq},{side},{name},{price},{quantity}")
        if kind != CANCEL:
            number = next(seqs)
            ids[name], names[OrderId(number)] = OrderId(number), name
            events = apply(
                EnterOrder(
                    ACCOUNT, SYMBOL, _SIDES[side], OrderType.LIMIT, _TIMES_IN_FORCE[ioc], Lots(quantity), Ticks(price)
                ),
                number, number,
            )  # fmt: skip
        for event in events:
            if event.__class__ is Cancelled:
                ids.pop(names[event.order_id], None)
                add(f"2,{seq},{side},{names[event.order_id]},{event.price}")
            elif event.__class__ is Filled:
                maker, taker = names[event.maker_order_id], names[event.taker_order_id]
                add(f"1,{seq},{event.price},{event.quantity},{maker},{taker}")
            elif event.__class__ is Completed:
                ids.pop(names[event.order_id], None)
    return lines


def _opened(apply: Apply) -> Iterator[Seq]:
    """List the symbol and fund the account; then the seqs of the commands that follow."""
    instrument = Instrument(
        symbol=SYMBOL, base="BASE", quote="QUOTE", tick_size="1", lot_size="1", quote_scale=0,
        lot_tick_amount=Amount(1), max_quantity=Lots(10**15), max_notional=Amount(10**24), max_open_orders=10**6,
    )  # fmt: skip
    opening: list[Command] = [ListInstrument(instrument)]
    opening += [Deposit(ACCOUNT, asset, "1" + "0" * 30) for asset in ("BASE", "QUOTE")]
    for number, command in enumerate(opening, 1):
        apply(command, Seq(number), number)
    return map(Seq, iter(range(len(opening) + 1, 10**12)))
