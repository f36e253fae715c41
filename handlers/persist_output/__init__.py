"""The last step of the payment flow."""
