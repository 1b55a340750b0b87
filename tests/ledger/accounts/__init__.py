"""Tests of accounts, profiles and who is judged."""
