"""Rows and read models."""
