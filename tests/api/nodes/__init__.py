"""Which node a server is, and where the others are."""
