"""Tests of the screens, each over the real services."""
