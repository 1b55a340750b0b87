"""Streams: pure decisions."""
