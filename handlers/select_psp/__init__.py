"""The choice of the PSP."""
