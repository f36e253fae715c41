"""A payment service provider for tests: cards for every outcome, and an idempotent ledger."""
