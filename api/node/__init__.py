"""What a node of a cluster says of itself, and what an operator asks of it."""
