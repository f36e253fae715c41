"""Waiting for a PSP that takes days to decide."""
