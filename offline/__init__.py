"""Data folders that are made without a server: copies of a venue, recorded days, simulated ones.

What is made is a data folder like any other: a server serves it, and it is verified and audited as every one.
"""
