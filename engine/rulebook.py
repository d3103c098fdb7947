"""Editions of the matching rules: a journal is replayed under the rules that its commands met.

An exchange begins with the first edition and goes on to another only by an `AdoptRulebook` command, so an
older journal comes to the state that it came to when it was written. A change of what becomes of a command is
a new edition: ask `ExchangeState.rulebook` where the rules part.
Layer: engine.
"""

from __future__ import annotations

from typing import Final

FIRST_EDITION: Final = 1  # of every exchange until another is adopted
CURRENT_EDITION: Final = 2  # what each edition changed: Documentation/matching-rules.md

# from which edition on
DUPLICATES_FIRST_SINCE: Final = 2  # a repeated order is answered before anything else is looked at
OWN_MEMORIES_SINCE: Final = 2  # each account remembers its own done orders
OWN_TRADES_NO_PRICE_SINCE: Final = 2  # a trade of an account with itself is no price for others
