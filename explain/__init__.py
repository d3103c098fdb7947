"""Why an order or a trade went as it did: pure functions over a book, a command and its events."""
