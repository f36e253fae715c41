"""Records of all transactions, and `python -m handlers.transactions` to inspect them."""
