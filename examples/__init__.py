"""Programs to begin with; each runs as it is, by `python -m examples.NAME` in a checkout."""
