"""Sending the donor to the PSP."""
