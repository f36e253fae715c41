"""The page to which the PSP sends the donor back."""
