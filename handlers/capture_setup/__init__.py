"""The capture flow's first step."""
