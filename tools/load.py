"""A seeded mix of orders under an open-loop schedule, every answer checked.

What is sent: limit, market, ioc and fok orders close to the market, cancels of what rests,
the same order again under its client order id, look-ups. Whatever is wrong in an answer is
kept as a sentence; a server that is fast and wrong fails.
Layer: tools.
"""

from __future__ import annotations

import random
import time
from collections import deque
from decimal import Decimal
from typing import Final

import msgspec

from openbell_client import AsyncClient, OpenbellError, OrderRequest, Refused, Unavailable
from openbell_client.answers import OrderAnswer, Side, SymbolInfo
from tools.checks import check_bbo, check_book, check_entered, check_looked_up, check_repeated
from tools.flow import HOME_PRICES
from tools.measure import Measurements
from tools.openloop import Phase, PhaseResult, ScheduledRequest, run_schedule
from tools.venue import last_price, order_of, refusable, sweep

PREFIX: Final = "load-"
MIX: Final = (("limit", 45), ("market", 15), ("ioc", 15), ("fok", 5), ("cancel", 15), ("repeat", 2), ("look-up", 3))
REACH_PPM: Final = 2_000  # limit prices lie within so many millionths of the market on either side
TYPICAL_NOTIONAL: Final = Decimal(1000)
MAY_BE_REFUSED: Final = frozenset({"PRICE_OUTSIDE_COLLAR", "TOO_MANY_OPEN_ORDERS", "SYMBOL_NOT_TRADING"})
ORDERS_KEPT: Final = 2_000  # answered orders kept for cancels, repetitions and look-ups
PROBLEMS_SHOWN: Final = 50
PATIENCE_S: Final = 30.0  # for answers after the last request

Entered = tuple[OrderRequest, OrderAnswer]


class Market(msgspec.Struct, frozen=True):
    """One symbol under load."""

    symbol: str
    info: SymbolInfo
    price: Decimal  # around which orders are priced


class Report(msgspec.Struct, frozen=True):
    """What a load run found."""

    phases: dict[str, Measurements]
    kept: list[PhaseResult]
    problems: list[str]  # the first ones
    problem_count: int


class OrderMix:
    """Decides what is sent next. The same seed gives the same orders."""

    def __init__(self, markets: list[Market], seed: int, run: str) -> None:
        self._random = random.Random(seed)  # nosec B311 # to be repeated, not secret
        self._markets = markets
        self._prefix = f"{PREFIX}{run}-"
        self._kinds = [kind for kind, _ in MIX]
        self._weights = [weight for _, weight in MIX]

    def kind(self) -> str:
        """One of the kinds of `MIX`."""
        return self._random.choices(self._kinds, self._weights)[0]

    def order(self, number: int, order_type: str) -> tuple[OrderRequest, Market]:
        """A valid order close to the market."""
        market = self._random.choice(self._markets)
        side: Side = self._random.choice(("buy", "sell"))
        info = market.info
        typical = max(1, int(TYPICAL_NOTIONAL / market.price / info.lot_size))
        lots = max(1, typical * self._random.randint(5, 200) // 100)
        price = None
        if order_type != "market":
            ticks = int(market.price / info.tick_size)
            reach = max(2, ticks * REACH_PPM // 1_000_000)
            price = f"{(ticks + self._random.randint(-reach, reach)) * info.tick_size:f}"
        order = order_of(
            market.symbol,
            side,
            order_type,
            f"{lots * info.lot_size:f}",
            price,
            client_order_id=f"{self._prefix}{number}",
        )
        return order, market

    def pick(self, entered: deque[Entered]) -> Entered:
        """One of the remembered orders."""
        return entered[self._random.randrange(len(entered))]


class LoadRun:
    """One run against one server."""

    def __init__(self, client: AsyncClient, markets: list[Market], seed: int) -> None:
        self._client = client
        self._markets = markets
        self._mix = OrderMix(markets, seed, f"{time.time_ns() // 1_000_000:x}")
        self._entered: deque[Entered] = deque(maxlen=ORDERS_KEPT)
        self._resting: deque[Entered] = deque(maxlen=ORDERS_KEPT)
        self._phases: dict[str, Measurements] = {}
        self._problems: list[str] = []
        self._problem_count = 0

    async def run(self, phases: list[Phase]) -> Report:
        """Send the phases, check the books, cancel what rests. What goes wrong is in the report."""
        self._phases = {phase.name: Measurements() for phase in phases}
        kept, unanswered = await run_schedule(phases, self._send, patience_s=PATIENCE_S)
        if unanswered:
            self._wrong([f"{unanswered} requests were not answered"])
        for phase in kept:
            self._phases[phase.phase].lasted(phase.took_s)
        try:
            for market in self._markets:
                self._wrong(check_book(await self._client.book(market.symbol, "all"), market.info))
                await sweep(self._client, market.symbol, PREFIX)
            if not (await self._client.health()).accepting:
                self._wrong(["the server takes no orders any more"])
        except OpenbellError as error:
            self._wrong([f"after the run: {error}"])
        return Report(self._phases, kept, self._problems, self._problem_count)

    def _wrong(self, problems: list[str]) -> None:
        self._problem_count += len(problems)
        self._problems += problems[: max(0, PROBLEMS_SHOWN - len(self._problems))]

    async def _send(self, due: ScheduledRequest, due_ns: int) -> bool:
        """Send one request; whether it was answered, rightly or not."""
        measured = self._phases[due.phase]
        kind = self._mix.kind()
        if (kind == "cancel" and not self._resting) or (kind in ("repeat", "look-up") and not self._entered):
            kind = "limit"
        measured.counts["requests"] += 1
        try:
            if kind == "cancel":
                await self._cancel(measured)
            elif kind == "repeat":
                order, answer = self._mix.pick(self._entered)
                self._wrong(check_repeated(answer, await refusable(self._client.enter(order))))
            elif kind == "look-up":
                await self._look_up()
            else:
                await self._enter(due.number, kind, measured)
        except Unavailable as error:
            measured.rejects["no answer"] += 1
            self._wrong([str(error)])
            return False
        except OpenbellError as error:
            measured.rejects["bad answer"] += 1
            self._wrong([str(error)])
        measured.counts["answers"] += 1
        measured.took(kind, time.perf_counter_ns() - due_ns)
        measured.took("all", time.perf_counter_ns() - due_ns)
        return True

    async def _enter(self, number: int, order_type: str, measured: Measurements) -> None:
        order, market = self._mix.order(number, order_type)
        measured.counts["orders"] += 1
        answer = await refusable(self._client.enter(order))
        if isinstance(answer, Refused):
            self._refused(answer, MAY_BE_REFUSED, measured)
            return
        measured.counts["trades"] += len(answer.trades)
        self._wrong(check_entered(order, answer, market.info))
        self._entered.append((order, answer))
        if answer.status in ("resting", "partially_filled"):
            self._resting.append((order, answer))

    async def _cancel(self, measured: Measurements) -> None:
        order, answer = self._resting.popleft()
        cancelled = await refusable(self._client.cancel_order(answer.order_id, symbol=order.symbol))
        measured.counts["cancels"] += 1
        if isinstance(cancelled, Refused):
            self._refused(cancelled, frozenset({"TOO_LATE"}), measured)
        elif not cancelled.success or cancelled.order_id != answer.order_id:
            self._wrong([f"cancel of {answer.order_id}: answered for {cancelled.order_id}"])
        else:
            self._wrong(check_bbo(cancelled.bbo))

    async def _look_up(self) -> None:
        order, answer = self._mix.pick(self._entered)
        found = await refusable(self._client.get_order(answer.order_id))
        if isinstance(found, Refused):
            self._wrong([f"order {answer.order_id} looked up: refused with {found.status} {found.error_code}"])
        else:
            self._wrong(check_looked_up(order, answer, found))

    def _refused(self, refusal: Refused, allowed: frozenset[str], measured: Measurements) -> None:
        """Count a refusal; one that these requests cannot deserve is wrong. 429 is the server's right."""
        measured.rejects[refusal.error_code] += 1
        if refusal.status != 429 and refusal.error_code not in allowed:
            self._wrong([f"refused with {refusal.status} {refusal.error_code}: {refusal.message}"])


async def markets_of(client: AsyncClient, wanted: list[str]) -> list[Market]:
    """The wanted symbols (all with a known price when empty). Raises ValueError for one that cannot be used."""
    listed = (await client.symbols()).symbol_info
    markets = []
    for symbol in wanted or listed:
        if symbol not in listed:
            raise ValueError(f"the server does not list {symbol}; it lists {', '.join(listed)}")
        price = await last_price(client, symbol) or HOME_PRICES.get(symbol)
        if price is not None:
            markets.append(Market(symbol, listed[symbol], price))
        elif wanted:
            raise ValueError(f"no price of {symbol} is known: it never traded")
    if not markets:
        raise ValueError("no listed symbol has a known price")
    return markets
