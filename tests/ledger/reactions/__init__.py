"""Reactions to other services' facts."""
