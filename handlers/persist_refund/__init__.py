"""The last step of the refund flow."""
