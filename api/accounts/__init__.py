"""Accounts and their money: balances, deposits, fills, postings, profit and loss."""
