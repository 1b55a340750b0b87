"""Tests of what all kinds of rules share."""
