"""The registered credits of a place, page by page, for whoever compares them with another system."""
