"""The venue as its events describe it has the bands of the naive exchange, which decides by itself."""

from __future__ import annotations

import pytest

from audit.properties import Properties
from audit.search import Search
from engine.types import Seq


@pytest.mark.parametrize("seed", [13, 14])
def test_a_band_is_measured_anew_by_the_same_commands_as_the_venue_does(seed: int) -> None:
    """An order that is answered as one that came before measures nothing."""
    search = Search(seed)
    naive = search.auditor.naive
    properties = Properties(naive.rulebook)
    for _ in range(3_800):
        seq, ts_ns, command = search.mix.next()
        events = search.exchange.apply(command, Seq(seq), ts_ns)
        search.auditor.observe(seq, ts_ns, command, events)
        assert properties.judge(command, ts_ns, events) == []
        for name, symbol in properties.shadow.symbols.items():
            decided = naive.symbols[name]
            measured = (symbol.band_reference, symbol.band_set_ns)
            assert measured == (decided.band_reference, decided.band_set_ns), (seq, command)
