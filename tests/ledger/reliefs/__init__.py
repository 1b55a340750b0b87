"""Exemptions, deferrals, and how they end."""
