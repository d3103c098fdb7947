"""Random orders around one price, from several connections at once: matches, rests, cancels and amends."""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal
from typing import Any

import aiohttp


class Flow:
    """Seeded traders. `answers` has what became of each order."""

    def __init__(self, url: str, symbol: str, middle: str, seed: int) -> None:
        self._url = url
        self._symbol = symbol
        self._middle = Decimal(middle)
        self._random = random.Random(seed)
        self._open: list[str] = []
        self.answers: list[dict[str, Any]] = []

    async def run(self, orders: int, traders: int = 4, rate: float | None = None) -> None:
        """Send `orders` requests, shared by `traders`; each as soon as it is answered, or at `rate` a second."""
        async with aiohttp.ClientSession(self._url) as session:
            await asyncio.gather(*(self._trade(session, orders // traders, rate, traders) for _ in range(traders)))

    async def _trade(self, session: aiohttp.ClientSession, orders: int, rate: float | None, traders: int) -> None:
        for _ in range(orders):
            await self._act(session)
            if rate is not None:
                await asyncio.sleep(traders / rate)

    async def _act(self, session: aiohttp.ClientSession) -> None:
        chance = self._random.random()
        if self._open and chance < 0.2:
            order_id = self._open.pop(self._random.randrange(len(self._open)))
            async with session.post("/cancel", json={"order_id": order_id}):
                return
        if self._open and chance < 0.35:
            order_id = self._random.choice(self._open)
            change = {"quantity": self._quantity()} if chance < 0.28 else {"price": self._price()}
            async with session.patch(f"/order/{order_id}", json=change):
                return
        body = {"symbol": self._symbol, "side": self._random.choice(["buy", "sell"]), "quantity": self._quantity()}
        kind = self._random.choice(["limit"] * 6 + ["ioc", "fok", "market"])
        if kind != "market":
            body["price"] = self._price()
        async with session.post("/order", json={**body, "order_type": kind}) as response:
            answer = await response.json()
            assert response.status in (200, 400), answer
            self.answers.append(answer)
            if answer.get("status") in ("resting", "partially_filled"):
                self._open.append(answer["order_id"])

    def _price(self) -> str:
        return str(self._middle + Decimal(self._random.randint(-15, 15)) / 100)

    def _quantity(self) -> str:
        return str(self._random.randint(1, 9))
