"""Totals raised by each charity."""
