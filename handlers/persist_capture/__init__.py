"""The capture flow's last step."""
