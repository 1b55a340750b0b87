"""Reactions to other services' facts, as this service's own events."""
