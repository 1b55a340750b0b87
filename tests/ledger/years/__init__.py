"""How a year ends at a place."""
