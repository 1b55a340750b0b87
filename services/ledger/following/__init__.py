"""Other services' facts, as this service's own events."""
