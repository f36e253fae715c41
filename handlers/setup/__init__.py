"""The first step of the payment flow."""
