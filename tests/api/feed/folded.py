"""A book as a client keeps it: a snapshot, then delta after delta."""

from __future__ import annotations

import zlib
from decimal import Decimal
from typing import Any

SIDES = ("bids", "asks")


class FoldedBook:
    """Checks each message against what it knows before it takes it in."""

    def __init__(self) -> None:
        self.levels: dict[str, dict[str, tuple[str, int]]] = {side: {} for side in SIDES}
        self.seq: int | None = None
        self.deltas = 0

    def snapshot(self, message: dict[str, Any]) -> None:
        for side in SIDES:
            self.levels[side] = {price: (quantity, orders) for price, quantity, orders in message[side]}
        self.seq = message["seq"]
        assert self.checksum() == message["checksum"]

    def delta(self, message: dict[str, Any]) -> None:
        assert message["prev_seq"] == self.seq
        assert message["seq"] > message["prev_seq"]
        for side in SIDES:
            for price, quantity, orders in message[side]:
                if Decimal(quantity) == 0:
                    self.levels[side].pop(price, None)
                else:
                    self.levels[side][price] = (quantity, orders)
        self.seq = message["seq"]
        self.deltas += 1
        assert self.checksum() == message["checksum"]

    def take(self, event: str, message: Any) -> None:
        """Fold in one event of the feed; others than those of the book are ignored."""
        if event == "l2_snapshot":
            self.snapshot(message)
        elif event == "l2_delta":
            self.delta(message)

    def side(self, side: str) -> list[list[Any]]:
        """The levels of one side as `tests.server.counted` has them of GET /book, best first."""
        ordered = sorted(self.levels[side].items(), key=lambda level: Decimal(level[0]), reverse=side == "bids")
        return [[price, quantity, orders] for price, (quantity, orders) in ordered]

    def checksum(self) -> int:
        best = [level for side in SIDES for level in self.side(side)[:10]]
        return zlib.crc32("|".join(f"{price}:{quantity}" for price, quantity, _ in best).encode())
