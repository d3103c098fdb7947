"""The matching engine: commands in, events out. Pure: no I/O, clock, randomness, threads or logging."""
