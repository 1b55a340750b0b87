"""Tests of the console: its parts, and its pages over the real services."""
