"""People: their collection and their changes."""
