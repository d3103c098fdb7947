"""What is looked up later: done orders and trades, written behind the journal and rebuilt from it."""

from prerequisites import require

require()
