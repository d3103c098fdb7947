"""What the simulated traders decide: seeded, bounded, and learnt from answers alone."""

from tools.traders import LEVELS, MAKERS, Action, Enter, Outcome, Quote, Traders, Withdraw

HOME = 3_000_000  # ticks
PLACES = MAKERS * LEVELS


def traders(seed: int = 1, home: int = HOME, start: int | None = None) -> Traders:
    return Traders("BTC-USDT", seed, home=home, start=start or home, typical=10_000_000, prefix="flow-t-")


class PatientVenue:
    """Answers every quote with "it rests" and every taker with "nothing there"."""

    def __init__(self, asked: Traders) -> None:
        self.asked = asked
        self.next_id = 0
        self.actions: list[Action] = []

    def run(self, decisions: int) -> list[Action]:
        for _ in range(decisions):
            for action in self.asked.decide():
                self.actions.append(action)
                if isinstance(action, Withdraw):
                    self.asked.withdrawn(action)
                else:
                    self.next_id += 1
                    rests = action.quantity if action.slot is not None else 0
                    self.asked.entered(action, Outcome(str(self.next_id), rests, []))
        return self.actions


def test_the_same_seed_and_answers_give_the_same_decisions() -> None:
    assert PatientVenue(traders(7)).run(500) == PatientVenue(traders(7)).run(500)


def test_another_seed_decides_otherwise() -> None:
    assert PatientVenue(traders(7)).run(50) != PatientVenue(traders(8)).run(50)


def test_quotes_fill_both_sides_before_anybody_takes_and_never_grow_beyond_their_places() -> None:
    asked = traders()
    opening = PatientVenue(asked).run(PLACES)
    assert all(isinstance(action, Enter) and action.slot is not None for action in opening)
    assert {slot[0] for slot in asked.quotes} == {"buy", "sell"}
    PatientVenue(asked).run(2_000)
    assert len(asked.quotes) <= 2 * PLACES


def test_quotes_stand_on_their_side_of_the_price() -> None:
    asked = traders()
    for action in PatientVenue(asked).run(60):
        if isinstance(action, Enter) and action.slot is not None and action.price is not None:
            assert (action.price < HOME + 2_000) if action.side == "buy" else (action.price > HOME - 2_000)
    best_buy = max(q.price for (side, _), q in asked.quotes.items() if side == "buy")
    best_sell = min(q.price for (side, _), q in asked.quotes.items() if side == "sell")
    assert best_buy < best_sell


def test_makers_takers_of_every_kind_and_withdrawals_occur() -> None:
    actions = PatientVenue(traders()).run(2_000)
    kinds = {"withdraw" if isinstance(action, Withdraw) else action.order_type for action in actions}
    assert kinds == {"limit", "market", "ioc", "fok", "withdraw"}


def test_client_order_ids_are_never_used_twice() -> None:
    ids = [action.client_order_id for action in PatientVenue(traders()).run(1_000) if isinstance(action, Enter)]
    assert len(ids) == len(set(ids))
    assert all(name.startswith("flow-t-") for name in ids)


def test_a_quote_that_was_taken_is_put_anew_and_one_taken_in_part_is_kept() -> None:
    asked = traders()
    PatientVenue(asked).run(2 * PLACES)
    slot, quote = next(iter(asked.quotes.items()))
    taken_slot = next(other for other in asked.quotes if other != slot)
    taken = asked.quotes[taken_slot]
    fills = [(quote.order_id, quote.leaves - 1), (taken.order_id, taken.leaves), ("somebody else's", 5)]
    asked.entered(Enter("sell", "market", 5, None, "flow-t-x"), Outcome("77", 0, fills))
    assert asked.quotes[slot].leaves == 1
    assert taken_slot not in asked.quotes


def test_quotes_that_the_venue_no_longer_has_are_forgotten() -> None:
    asked = traders()
    PatientVenue(asked).run(2 * PLACES)
    kept = next(iter(asked.quotes.values()))
    asked.saw_open_orders({kept.order_id})
    assert [quote.order_id for quote in asked.quotes.values()] == [kept.order_id]


def test_the_price_wanders_but_comes_home() -> None:
    asked = traders(start=HOME * 102 // 100)
    venue = PatientVenue(asked)
    venue.run(30_000)
    assert asked.mid != HOME
    assert abs(asked.mid - HOME) < HOME * 15 // 1000


def test_a_price_of_few_ticks_keeps_every_quote_above_zero() -> None:
    asked = traders(home=3)
    for action in PatientVenue(asked).run(300):
        if isinstance(action, Enter) and action.price is not None:
            assert action.price >= 1


def test_takers_of_ours_do_not_become_quotes() -> None:
    asked = traders()
    asked.entered(Enter("buy", "ioc", 5, 10, "flow-t-1"), Outcome("1", 0, []))
    assert asked.quotes == {}


def test_a_withdrawal_answered_late_does_not_touch_the_quote_that_came_after() -> None:
    asked = traders()
    slot = ("buy", 0)
    enter = Enter("buy", "limit", 5, 10, "flow-t-1", slot)
    asked.entered(enter, Outcome("1", 5, []))
    asked.withdrawn(Withdraw(slot, "1"))
    asked.entered(enter, Outcome("2", 5, []))
    asked.withdrawn(Withdraw(slot, "1"))
    assert asked.quotes == {slot: Quote("2", 10, 5)}


def test_some_quotes_are_icebergs_that_show_at_least_a_hundredth() -> None:
    entered = [action for action in PatientVenue(traders()).run(500) if isinstance(action, Enter)]
    quotes = [action for action in entered if action.slot is not None]
    icebergs = [action for action in quotes if action.display is not None]
    assert 0 < len(icebergs) < len(quotes) / 4
    assert all(action.quantity // 100 <= (action.display or 0) <= action.quantity for action in icebergs)
    assert [action for action in entered if action.slot is None and action.display is not None] == []
