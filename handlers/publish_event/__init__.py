"""The event for other systems."""
