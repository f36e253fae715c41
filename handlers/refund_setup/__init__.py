"""The first step of the refund flow."""
