"""Streams: one file each, with its events, its state and its decisions; no input or output."""
