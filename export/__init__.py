"""Tables of what happened, for people who analyse a session: orders, trades, book changes, events; from the journal."""
