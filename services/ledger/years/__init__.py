"""How a year ends at a place: its close, what may still enter afterwards, and what the credit archive is told."""
