"""Market data over REST: books, trades, candles, tickers, statuses, and what the exchange says of itself."""
