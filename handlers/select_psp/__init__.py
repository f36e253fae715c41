"""Selection of the PSP."""
