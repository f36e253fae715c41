"""The function that Stripe's webhook calls."""
