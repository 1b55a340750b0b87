"""Notices as published policies."""
