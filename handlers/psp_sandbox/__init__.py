"""A payment service provider to try things with: test cards for every outcome, and a ledger that keeps its word."""
