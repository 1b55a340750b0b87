"""Accounts of those who call: credentials and tokens."""
