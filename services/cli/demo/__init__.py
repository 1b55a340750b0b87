"""The demo: fictitious people living through the five notices."""
