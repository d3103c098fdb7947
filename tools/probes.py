"""Correctness probes: for each rule, requests whose right answers are known, against a running server.

A probe enters a few orders in one quiet symbol, says what is wrong in the answers, and its
orders are cancelled afterwards. On a busy symbol others would change the answers; the
probes are not run then.
Layer: tools.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, Final

import msgspec

from openbell_client import AsyncClient, OpenbellError, OrderRequest, Refused
from openbell_client.answers import AmendAnswer, OrderAnswer, Side, SymbolInfo
from openbell_client.calls.call import Call, Repeat
from tools.checks import check_entered, check_looked_up, check_refused, check_repeated
from tools.venue import last_price, order_of, refusable, sweep

PREFIX: Final = "probe-"
LOTS: Final = 1_000  # one unit of quantity in the probes; a share is traded singly

Problems = list[str]


class Prober:
    """One symbol in which the probes trade, around one price."""

    def __init__(self, client: AsyncClient, symbol: str, info: SymbolInfo, price: Decimal) -> None:
        self.client = client
        self.symbol = symbol
        self.info = info
        self._price = price
        self._unit = info.lot_size * (1 if info.lot_size >= 1 else LOTS)
        self._run = f"{PREFIX}{time.time_ns() // 1_000:x}-"
        self._entered = 0
        self.problems: Problems = []

    def price(self, ticks: int) -> str:
        """So many ticks above the probes' price."""
        return f"{self._price + ticks * self.info.tick_size:f}"

    def quantity(self, units: int) -> str:
        """So many units of quantity."""
        return f"{units * self._unit:f}"

    def order(self, side: Side, order_type: str, units: int, ticks: int | None = None) -> OrderRequest:
        """An order with a fresh client order id."""
        self._entered += 1
        price = None if ticks is None else self.price(ticks)
        client_order_id = f"{self._run}{self._entered}"
        return order_of(self.symbol, side, order_type, self.quantity(units), price, client_order_id=client_order_id)

    async def enter(self, side: Side, order_type: str, units: int, ticks: int | None = None) -> OrderAnswer:
        """Enter an order that must be accepted, and check its answer. Raises OpenbellError when it is refused."""
        order = self.order(side, order_type, units, ticks)
        answer = await refusable(self.client.enter(order))
        if isinstance(answer, Refused):
            raise OpenbellError(f"{order_type} order refused: {answer.status} {answer.error_code}")
        self.problems += check_entered(order, answer, self.info)
        return answer

    async def post(self, body: bytes) -> OrderAnswer | Refused:
        """POST /order with these bytes."""
        return await refusable(self.client.send(Call("POST", "/order", body, OrderAnswer, Repeat.UNTAKEN)))

    def expect(self, what: str, expected: Any, actual: Any) -> None:
        """Note a problem where the two differ."""
        if expected != actual:
            self.problems.append(f"{what}: expected {expected}, got {actual}")

    def expect_fills(self, answer: OrderAnswer, *expected: tuple[int, int]) -> None:
        """The order traded exactly at these (ticks, units), in this order."""
        wanted = [(Decimal(self.price(ticks)), Decimal(self.quantity(units))) for ticks, units in expected]
        self.expect("fills", wanted, [(trade.price, trade.quantity) for trade in answer.trades])

    async def expect_refusal(self, body: dict[str, Any] | bytes, *codes: str, status: int = 400) -> None:
        """POST /order is refused with one of `codes`, and the book is as before."""
        before = await self.client.book(self.symbol, "all")
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        self.problems += [
            f"{content.decode(errors='replace')[:120]}: {what}"
            for what in check_refused(await self.post(content), frozenset(codes), status)
        ]
        after = await self.client.book(self.symbol, "all")
        self.expect("book after a refusal", (before.bids, before.asks), (after.bids, after.asks))


async def best_price_first(p: Prober) -> None:
    await p.enter("buy", "limit", 1, -1)
    await p.enter("buy", "limit", 1, 0)
    p.expect_fills(await p.enter("sell", "market", 1), (0, 1))


async def no_trade_through(p: Prober) -> None:
    await p.enter("buy", "limit", 1, -1)
    await p.enter("buy", "limit", 1, 1)
    p.expect_fills(await p.enter("sell", "limit", 1, 0), (1, 1))


async def oldest_first(p: Prober) -> None:
    first = await p.enter("sell", "limit", 1, 0)
    await p.enter("sell", "limit", 1, 0)
    taken = await p.enter("buy", "ioc", 1, 0)
    p.expect("maker", [first.order_id], [trade.maker_order_id for trade in taken.trades])


async def limit_rests_with_what_is_left(p: Prober) -> None:
    await p.enter("sell", "limit", 1, 0)
    answer = await p.enter("buy", "limit", 3, 0)
    p.expect("status", "partially_filled", answer.status)
    p.expect("best bid", Decimal(p.price(0)), (await p.client.bbo(p.symbol)).best_bid)


async def ioc_never_rests(p: Prober) -> None:
    await p.enter("sell", "limit", 1, 0)
    answer = await p.enter("buy", "ioc", 3, 0)
    p.expect_fills(answer, (0, 1))
    p.expect("status", "cancelled", answer.status)
    p.expect("best bid", None, (await p.client.bbo(p.symbol)).best_bid)


async def market_never_rests(p: Prober) -> None:
    answer = await p.enter("buy", "market", 1)
    p.expect("status", "cancelled", answer.status)
    p.expect("best bid", None, (await p.client.bbo(p.symbol)).best_bid)


async def fok_that_can_fill_fills(p: Prober) -> None:
    await p.enter("sell", "limit", 1, 0)
    await p.enter("sell", "limit", 1, 1)
    answer = await p.enter("buy", "fok", 2, 1)
    p.expect_fills(answer, (0, 1), (1, 1))
    p.expect("status", "filled", answer.status)


async def fok_that_cannot_leaves_the_book(p: Prober) -> None:
    await p.enter("sell", "limit", 1, 0)
    before = await p.client.book(p.symbol, "all")
    answer = await p.enter("buy", "fok", 2, 1)
    after = await p.client.book(p.symbol, "all")
    p.expect_fills(answer)
    p.expect("status", "cancelled", answer.status)
    p.expect("book", (before.bids, before.asks), (after.bids, after.asks))


async def cancel_removes_and_says_when_it_is_late(p: Prober) -> None:
    resting = await p.enter("buy", "limit", 1, 0)
    cancelled = await refusable(p.client.cancel_order(resting.order_id, symbol=p.symbol))
    p.expect("cancelled", False, isinstance(cancelled, Refused))
    p.expect("best bid", None, (await p.client.bbo(p.symbol)).best_bid)
    again = await refusable(p.client.cancel_order(resting.order_id, symbol=p.symbol))
    p.expect("second cancel", (409, "TOO_LATE"), _refusal(again))
    unknown = await refusable(p.client.cancel_order("4611686018427387903", symbol=p.symbol))
    p.expect("cancel of an unknown order", (404, "UNKNOWN_ORDER"), _refusal(unknown))


async def amend_down_keeps_the_place_and_up_loses_it(p: Prober) -> None:
    first = await p.enter("buy", "limit", 3, 0)
    second = await p.enter("buy", "limit", 3, 0)
    for order, units, priority in ((first, 2, "kept"), (second, 4, "lost"), (first, 3, "lost")):
        amended = await refusable(p.client.amend_order(order.order_id, quantity=p.quantity(units)))
        p.expect("amend", priority, amended.priority if isinstance(amended, AmendAnswer) else _refusal(amended))
    taken = await p.enter("sell", "ioc", 5, 0)
    makers = [(trade.maker_order_id, trade.quantity) for trade in taken.trades]
    expected = [(second.order_id, Decimal(p.quantity(4))), (first.order_id, Decimal(p.quantity(1)))]
    p.expect("makers", expected, makers)


async def same_client_order_id_is_one_order(p: Prober) -> None:
    order = p.order("buy", "limit", 1, -1)
    first = await refusable(p.client.enter(order))
    if isinstance(first, Refused):
        raise OpenbellError(f"refused: {first.error_code}")
    p.problems += check_repeated(first, await refusable(p.client.enter(order)))
    other = msgspec.structs.replace(order, quantity=p.quantity(2))
    p.expect("other fields", (409, "DUPLICATE_CLIENT_ORDER_ID"), _refusal(await refusable(p.client.enter(other))))


async def an_order_can_be_looked_up(p: Prober) -> None:
    order = p.order("buy", "limit", 1, -1)
    answer = await refusable(p.client.enter(order))
    if isinstance(answer, Refused):
        raise OpenbellError(f"refused: {answer.error_code}")
    for expected in ("resting", "cancelled"):
        found = await refusable(p.client.get_order(answer.order_id))
        if isinstance(found, Refused):
            p.problems.append(f"look-up refused: {found.error_code}")
        else:
            p.problems += check_looked_up(order, answer, found)
            p.expect("status", expected, found.status)
        await refusable(p.client.cancel_order(answer.order_id, symbol=p.symbol))
    unknown = await refusable(p.client.get_order("4611686018427387903"))
    p.expect("unknown order", (404, "UNKNOWN_ORDER"), _refusal(unknown))


async def numbers_that_are_none_are_refused(p: Prober) -> None:
    whole = msgspec.to_builtins(p.order("buy", "limit", 1, 0))
    for text in ("NaN", "Infinity", "-Infinity", "sNaN"):
        await p.expect_refusal({**whole, "price": text}, "NOT_FINITE", "INVALID_VALUE")
        await p.expect_refusal({**whole, "quantity": text}, "NOT_FINITE", "INVALID_VALUE")
    raw = msgspec.json.encode({**whole, "price": 7}).replace(b'"price":7', b'"price":NaN')
    await p.expect_refusal(raw, "NOT_FINITE", "MALFORMED_JSON")
    for text in ("1e400", "1" + "0" * 400):
        await p.expect_refusal({**whole, "price": text}, "OUT_OF_RANGE", "INVALID_VALUE")
    for text in ("0", "-1"):
        await p.expect_refusal({**whole, "price": text}, "NOT_POSITIVE")
        await p.expect_refusal({**whole, "quantity": text}, "NOT_POSITIVE")
    for text in ("abc", "", "1,5"):
        await p.expect_refusal({**whole, "price": text}, "INVALID_VALUE")


async def off_step_numbers_are_refused(p: Prober) -> None:
    whole = msgspec.to_builtins(p.order("buy", "limit", 1, 0))
    off_tick = f"{Decimal(whole['price']) + p.info.tick_size / 2:f}"
    off_lot = f"{Decimal(whole['quantity']) + p.info.lot_size / 2:f}"
    await p.expect_refusal({**whole, "price": off_tick}, "BAD_TICK")
    await p.expect_refusal({**whole, "quantity": off_lot}, "BAD_LOT")


async def malformed_orders_are_refused(p: Prober) -> None:
    whole = msgspec.to_builtins(p.order("buy", "limit", 1, 0))
    for field in ("symbol", "side", "order_type"):
        await p.expect_refusal({name: value for name, value in whole.items() if name != field}, "MISSING_FIELD")
    for field in ("quantity", "price"):
        bare = {name: value for name, value in whole.items() if name != field}
        await p.expect_refusal(bare, "MISSING_FIELD", "UNSUPPORTED_COMBINATION")
    await p.expect_refusal({**whole, "symbol": "NO-SUCH"}, "UNKNOWN_SYMBOL")
    await p.expect_refusal({**whole, "side": "hold"}, "INVALID_VALUE")
    await p.expect_refusal({**whole, "order_type": "wish"}, "INVALID_VALUE")
    await p.expect_refusal({**whole, "order_type": "market", "time_in_force": "gtc"}, "UNSUPPORTED_COMBINATION")
    await p.expect_refusal(b"{", "MALFORMED_JSON")
    await p.expect_refusal(b"", "MALFORMED_JSON")
    await p.expect_refusal(b"[]", "INVALID_VALUE", "MALFORMED_JSON")


Probe = Callable[[Prober], Awaitable[None]]
PROBES: Final[tuple[Probe, ...]] = (
    best_price_first,
    no_trade_through,
    oldest_first,
    limit_rests_with_what_is_left,
    ioc_never_rests,
    market_never_rests,
    fok_that_can_fill_fills,
    fok_that_cannot_leaves_the_book,
    cancel_removes_and_says_when_it_is_late,
    amend_down_keeps_the_place_and_up_loses_it,
    same_client_order_id_is_one_order,
    an_order_can_be_looked_up,
    numbers_that_are_none_are_refused,
    off_step_numbers_are_refused,
    malformed_orders_are_refused,
)


async def run_probes(prober: Prober) -> dict[str, Problems]:
    """Every probe's name and what is wrong. Raises Unavailable when the server goes away."""
    found: dict[str, Problems] = {}
    for probe in PROBES:
        prober.problems = []
        try:
            await probe(prober)
        except OpenbellError as error:
            prober.problems.append(str(error))
        await sweep(prober.client, prober.symbol, PREFIX)
        found[probe.__name__.replace("_", " ")] = prober.problems
    return found


async def quiet_symbol(client: AsyncClient, prices: dict[str, Decimal]) -> tuple[str, SymbolInfo, Decimal] | None:
    """A trading symbol with no open order, and its price; None when every symbol is busy."""
    for symbol, info in (await client.symbols()).symbol_info.items():
        price = await last_price(client, symbol) or prices.get(symbol)
        if info.active_orders == 0 and info.status == "trading" and price is not None:
            return symbol, info, price
    return None


def _refusal(answer: object) -> object:
    """Status and code of a refusal, or the answer itself."""
    return (answer.status, answer.error_code) if isinstance(answer, Refused) else answer
