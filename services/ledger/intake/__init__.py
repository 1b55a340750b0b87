"""Intake of posted records: one group of waiting requests becomes one transaction of one log."""
