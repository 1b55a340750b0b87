"""Statements for third parties (S0-21)."""
