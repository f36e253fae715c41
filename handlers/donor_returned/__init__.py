"""The function behind the page to which the PSP sends the donor back."""
