"""Moves of a person's profile and accounts from one log to another."""
