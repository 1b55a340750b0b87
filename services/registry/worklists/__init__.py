"""Worklists: what awaits officials, in order, held by one at a time."""
