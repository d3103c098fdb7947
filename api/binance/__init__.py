"""A second wire over the same services: the surface of Binance Spot, for the clients that people already have."""
