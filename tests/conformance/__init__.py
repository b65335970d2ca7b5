"""The same checks for everything that is registered."""
