"""The house rules as tests: layers, purity, size, docstrings, front-end, dependencies, documentation."""
