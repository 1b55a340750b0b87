"""Faithful stand-ins of systems that are not ours, for the demo, for tests, and for trying a deployment out."""
