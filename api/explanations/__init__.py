"""The routes that explain orders, trades and commands."""
