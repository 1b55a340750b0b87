"""Webhooks: the events of an organization on their way to endpoints of its own."""
