"""Tests of the kinds of rules, a file a kind."""
