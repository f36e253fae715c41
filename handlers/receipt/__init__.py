"""The receipt for the donor."""
