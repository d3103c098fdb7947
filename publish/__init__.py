"""What happened, as messages for a broker: trades, books, order events, records; by a follower in its own process."""
