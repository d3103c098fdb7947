"""Done orders, trades, postings and candles: a database that is derived from the journal."""
