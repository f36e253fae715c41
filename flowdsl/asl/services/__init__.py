"""The records of the service integrations, in a module for each kind of service; `integrations` is their table."""
