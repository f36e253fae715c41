"""Notifications of delayed payments."""
