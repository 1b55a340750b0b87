"""Comparison of both sides, place by place and person by person, and repair of what differs."""
