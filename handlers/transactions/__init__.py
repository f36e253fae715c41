"""The record of every transaction, and `python -m handlers.transactions` to look at it."""
