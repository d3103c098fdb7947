"""Traders with a patience of their own: they enter, cancel, deposit, and ask again under the same key elsewhere."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.commands import CancelOrder, Command, Deposit, EnterOrder
from engine.types import AccountId, Lots, OrderType, Side, Ticks, TimeInForce
from tests.sim.hub import hub_here
from tests.sim.machine import Signal, sleep
from tests.sim.market import TICKS
from tests.sim_cluster.asked import Asked, Try

if TYPE_CHECKING:
    from tests.sim_cluster.simulation import Simulation

FORGETS_KEYS = 1_000  # commands: more than a simulation has
PATIENCE_S = 30.0  # simulated, for one try


class Trader:
    """One program that trades, in an account of its own, with any node."""

    def __init__(self, simulation: Simulation, number: int, account: AccountId, rng: random.Random) -> None:
        self.name = f"trader{number}"
        self.done = False
        self._simulation = simulation
        self._account = account
        self._rng = rng
        self._think_s = rng.choice((0.01, 0.2, 1.0))
        self._tries = rng.choice((1, 2, 4, 8))
        if simulation.plan.keys_max < FORGETS_KEYS:  # by then a key of the trader's own would be new again
            self._tries = 1
        self._names: list[str] = []
        self._number = 0
        self._last_seq = 0  # of the last answer

    def run(self) -> None:
        """Trade until all operations are done."""
        for _ in range(self._simulation.plan.operations):
            sleep(self._think_s * (0.2 + self._rng.random()))
            self._act()
        self.done = True

    def _act(self) -> None:
        roll = self._rng.random()
        if roll < 0.5 or not self._names:
            self._ask([self._order(named=True)])
        elif roll < 0.65:
            self._ask([self._order(named=False)])
        elif roll < 0.8:
            self._ask([CancelOrder(self._account, client_order_id=self._rng.choice(self._names), by_operator=False)])
        elif roll < 0.88:
            self._ask([self._deposit()])
        elif roll < 0.94:
            self._burst()
        else:
            self._ask([self._order(named=True), self._order(named=False), self._deposit()])

    def _deposit(self) -> Command:
        """One of an amount that nothing else is deposited in."""
        return Deposit(self._account, "USD", str(self._simulation.next_number()))

    def _order(self, *, named: bool) -> Command:
        rng = self._rng
        symbol = "COIN-USD" if rng.random() < 0.8 else "SHARE-USD"
        name = None
        if named:
            self._number += 1
            name = f"{self.name}-{self._number}"
            self._names.append(name)
        return EnterOrder(
            self._account,
            symbol,
            rng.choice((Side.BUY, Side.SELL)),
            OrderType.LIMIT,
            rng.choice((TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC)),
            Lots(rng.randint(1, 9)),
            Ticks(TICKS[symbol][1] + rng.randint(-3, 3)),
            name,
        )

    def _ask(self, commands: Sequence[Command]) -> None:
        """Submit commands, again elsewhere under the same key while their outcome is unknown and patience lasts."""
        asked = self._asked(commands)
        for _ in range(self._tries):
            self._try([asked])
            if asked.tries[-1].outcome in ("done", "refused for good"):
                self._last_seq = max(self._last_seq, asked.last_seq)
                return
            sleep(0.05 + 0.5 * self._rng.random())

    def _burst(self) -> None:
        """Several at once to one node: they are to be sequenced in this order, as far as they are."""
        burst: list[Asked] = []
        for _ in range(self._rng.randint(2, 4)):
            asked = self._asked([self._deposit()])
            asked.behind = burst[-1] if burst else None
            burst.append(asked)
        self._try(burst)

    def _asked(self, commands: Sequence[Command]) -> Asked:
        asked = Asked(self._account, self._rng.randbytes(16), tuple(commands), self._last_seq)
        self._simulation.asked.append(asked)
        return asked

    def _try(self, burst: list[Asked]) -> None:
        """Send each once, to the same node, and wait for what it says."""
        simulation, hub = self._simulation, hub_here()
        node = self._rng.choice(simulation.nodes)
        requests = [(asked, Try(node.name)) for asked in burst]
        for asked, attempt in requests:
            asked.tries.append(attempt)
            simulation.trace(self.name, f"asks {node.name} for {asked.key.hex()[:8]}", asked.commands)
        signal = Signal()
        otherwise = "not sent"
        if not node.process.dead and node.take(requests, signal):
            until_ns, otherwise = hub.now_ns + int(PATIENCE_S * 1e9), "no answer"
            while not all(attempt.outcome for _, attempt in requests):
                if node.process.dead or hub.now_ns >= until_ns:
                    break
                signal.wait(0.5)
        for asked, attempt in requests:
            attempt.outcome = attempt.outcome or otherwise
            simulation.trace(self.name, f"got {attempt.outcome} for {asked.key.hex()[:8]}")
            simulation.count(f"answer: {attempt.outcome}")
