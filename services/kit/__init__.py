"""Plumbing shared by the services; it knows no word of their domain."""
