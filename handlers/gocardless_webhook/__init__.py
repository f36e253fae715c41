"""The function that GoCardless's webhook calls."""
