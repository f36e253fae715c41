"""The function that Adyen's webhook calls."""
