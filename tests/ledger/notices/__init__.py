"""Notices of our own invention, and what they show."""
