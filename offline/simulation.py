"""A simulated stretch of time: strategies at a venue whose clock this module gives, as fast as it goes.

At each tick of the clock every strategy, in order, is shown the time and what it asks for is carried out; what that
causes is shown to those whom it concerns, and what they ask for then comes behind. So all that is decided follows from
the seed and the strategies: no thread, no wall clock and no socket has a part in it.
Layer: offline.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from engine.commands import AmendOrder, CancelOrder, Command, ConfigureAccount, EnterOrder, OrderOptions
from engine.depth import l2
from engine.events import Accepted, Amended, Cancelled, Completed, Event, Expired, Filled, Rejected
from engine.instrument import Instrument
from engine.types import AccountId, Lots, OrderId, PostOnly, SelfTradePrevention, Side, Ticks
from offline.folder import OfflineError
from offline.venue import ORDER_KINDS, OfflineVenue
from tools.strategies.strategy import (
    Action,
    Book,
    CancelAction,
    EnterAction,
    Fill,
    Market,
    Strategy,
    Trade,
)

FIRST_ACCOUNT: Final = 2  # the numbers from 2 to 999 are nobody's: users have those from 1,000 on
STRATEGIES_MAX: Final = 998
TIER: Final = "simulated"
LEVELS: Final = 10  # of the books that strategies are shown
ACTIONS_A_TICK: Final = 10_000  # the rest waits for the next tick
TICK_NS: Final = 100_000_000


class _Steps:
    """Between a symbol's decimals and the engine's whole numbers."""

    def __init__(self, instrument: Instrument) -> None:
        self.symbol = instrument.symbol
        self.tick, self.lot = Decimal(instrument.tick_size), Decimal(instrument.lot_size)

    def ticks(self, price: Decimal | None) -> Ticks | None:
        return None if price is None else Ticks(int(price / self.tick))

    def lots(self, quantity: Decimal) -> Lots:
        return Lots(int(quantity / self.lot))


class _Player(NamedTuple):
    """A strategy at work."""

    strategy: Strategy
    account: AccountId
    steps: _Steps


class SimulatedDay:
    """Strategies at one venue."""

    def __init__(
        self,
        venue: OfflineVenue,
        strategies: Sequence[tuple[type[Strategy], str, Decimal]],
        seed: int,
        *,
        tick_ns: int = TICK_NS,
    ) -> None:
        """`strategies`: the class of each, its symbol, and a price of that to begin at.

        Raises OfflineError for a symbol that is not listed.
        """
        self._venue = venue
        self._tick_ns = tick_ns
        self._players: list[_Player] = []
        self._by_account: dict[AccountId, _Player] = {}
        self._by_symbol: dict[str, list[_Player]] = {}
        self._names: dict[OrderId, str] = {}  # the client order ids of open orders
        self._ids: dict[str, OrderId] = {}
        self._waiting: deque[tuple[_Player, Action]] = deque()
        self._changed: dict[str, None] = {}  # symbols, in the order in which their books changed
        self.rejects: dict[str, int] = {}
        if len(strategies) > STRATEGIES_MAX:
            raise OfflineError(f"At most {STRATEGIES_MAX} strategies trade at once, not {len(strategies)}.")
        for number, (kind, symbol, home) in enumerate(strategies):
            self._join(kind(), symbol, home, seed, number)

    def _join(self, strategy: Strategy, symbol: str, home: Decimal, seed: int, number: int) -> None:
        instrument = self._venue.exchange.instrument(symbol)
        if instrument is None:
            listed = ", ".join(self._venue.exchange.books) or "nothing"
            raise OfflineError(f"{symbol} is not listed; there is {listed}.")
        account, steps = AccountId(FIRST_ACCOUNT + number), _Steps(instrument)
        self._venue.fund(account)
        self._venue.apply(ConfigureAccount(account, TIER, self_trade_prevention=SelfTradePrevention.NONE))
        player = _Player(strategy, account, steps)
        self._players.append(player)
        self._by_account[account] = player
        self._by_symbol.setdefault(symbol, []).append(player)
        strategy.begin(Market(symbol, steps.tick, steps.lot, home), seed, number)
        self._gather(player)

    def run(self, duration_ns: int, done: Callable[[int], object] = lambda _: None) -> None:
        """Let so much time go by; `done` is called with 1 for each tick."""
        for _ in range(duration_ns // self._tick_ns):
            now = self._venue.now_ns + self._tick_ns
            self._show(self._venue.advance(now), None)
            for player in self._players:
                player.strategy.see_tick(now)
                self._gather(player)
            left = ACTIONS_A_TICK
            while self._waiting and left:
                left -= self._carry_out_waiting(left)
                self._show_books()
            done(1)

    def _gather(self, player: _Player) -> None:
        self._waiting.extend((player, action) for action in player.strategy.take_actions())

    def _carry_out_waiting(self, most: int) -> int:
        """Carry out what waits and what comes of it, at most so many actions; how many there were."""
        count = 0
        while self._waiting and count < most:
            player, action = self._waiting.popleft()
            command = self._command(player, action)
            count += 1
            if command is not None:
                self._show(self._venue.apply(command), (player, action))
                self._changed[player.steps.symbol] = None
        return count

    def _command(self, player: _Player, action: Action) -> Command | None:
        """What an action asks of the venue; None for one about an order that is done."""
        steps = player.steps
        if isinstance(action, EnterAction):
            order_type, time_in_force = ORDER_KINDS[action.order_type]
            display = None if action.display_quantity is None else steps.lots(action.display_quantity)
            post_only = PostOnly.SLIDE if action.post_only else None
            return EnterOrder(
                player.account,
                steps.symbol,
                Side(action.side),
                order_type,
                time_in_force,
                steps.lots(action.quantity),
                steps.ticks(action.price),
                action.client_order_id,
                None,
                None,
                None if display is None and post_only is None else OrderOptions(post_only, display),
            )
        order_id = self._ids.get(action.client_order_id)
        if order_id is None:
            return None
        if isinstance(action, CancelAction):
            return CancelOrder(player.account, order_id, by_operator=False)
        quantity = None if action.quantity is None else steps.lots(action.quantity)
        return AmendOrder(player.account, order_id, steps.ticks(action.price), quantity)

    # -- what happened, to those whom it concerns

    def _show(self, events: Sequence[Event], cause: tuple[_Player, Action] | None) -> None:
        """Show everybody what a command caused, then ask those who were shown something what they do."""
        shown: dict[AccountId, None] = {}
        for event in events:
            if isinstance(event, Accepted) and event.client_order_id is not None:
                self._names[event.order_id], self._ids[event.client_order_id] = event.client_order_id, event.order_id
            elif isinstance(event, Filled):
                self._show_trade(event, shown)
            elif isinstance(event, Amended) and event.account in self._by_account:
                self._show_rest(self._by_account[event.account], event.order_id)
            elif isinstance(event, Completed | Cancelled | Expired):
                self._show_end(event.account, event.order_id)
            elif isinstance(event, Rejected) and cause is not None:
                self.rejects[event.reason] = self.rejects.get(event.reason, 0) + 1
                cause[0].strategy.see_reject(cause[1].client_order_id, event.reason)
                shown[cause[0].account] = None
        if cause is not None and isinstance(cause[1], EnterAction) and events and isinstance(events[0], Accepted):
            rests = self._show_rest(cause[0], events[0].order_id)
            cause[0].strategy.see_entered(cause[1].client_order_id, rests)
            shown[cause[0].account] = None
        for account in sorted(shown):
            self._gather(self._by_account[account])

    def _show_trade(self, filled: Filled, shown: dict[AccountId, None]) -> None:
        other = Side.SELL if filled.taker_side is Side.BUY else Side.BUY
        for account, order_id, side, leaves in (
            (filled.maker_account, filled.maker_order_id, other, filled.maker_leaves),
            (filled.taker_account, filled.taker_order_id, filled.taker_side, filled.taker_leaves),
        ):
            player, known_as = self._by_account.get(account), self._names.get(order_id)
            if player is not None and known_as is not None:
                tick, lot = player.steps.tick, player.steps.lot
                fill = Fill(known_as, side.value, filled.price * tick, filled.quantity * lot, leaves * lot)
                player.strategy.see_fill(fill)
                shown[account] = None
        for player in self._by_symbol.get(filled.symbol, ()):
            steps = player.steps
            player.strategy.see_trade(
                Trade(filled.price * steps.tick, filled.quantity * steps.lot, filled.taker_side.value)
            )
            shown[player.account] = None

    def _show_rest(self, player: _Player, order_id: OrderId) -> Decimal:
        order, known_as = self._venue.exchange.order(order_id), self._names.get(order_id)
        if order is None or known_as is None:
            return Decimal(0)
        price = None if order.price is None else order.price * player.steps.tick
        rests = order.leaves * player.steps.lot
        player.strategy.see_rest(known_as, order.side.value, price, rests)
        return rests

    def _show_end(self, account: AccountId, order_id: OrderId) -> None:
        known_as = self._names.pop(order_id, None)
        if known_as is not None and account in self._by_account:
            self._ids.pop(known_as, None)
            self._by_account[account].strategy.see_end(known_as)

    def _show_books(self) -> None:
        """Show the books that changed to those who trade there."""
        changed, self._changed = self._changed, {}
        for symbol in changed:
            book, players = self._venue.exchange.books[symbol], self._by_symbol[symbol]
            steps = players[0].steps
            sides = [
                [(price * steps.tick, lots * steps.lot) for price, lots, _ in l2(side, LEVELS)]
                for side in (book.bids, book.asks)
            ]
            for player in players:
                player.strategy.see_book(Book(*sides))
                self._gather(player)
