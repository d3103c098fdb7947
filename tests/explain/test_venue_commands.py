"""What an explanation says of commands that no trader gave."""

from __future__ import annotations

from engine.commands import WriterChanged
from tests.explain.market import Market
from tests.explain.said import said


def test_a_change_of_the_writer_says_which_node_sequences_from_there_on() -> None:
    market = Market()
    explanation = market.command(market.do(WriterChanged("node-2", 7)))
    said(explanation, "Node node-2 took over and sequences from here on.")
