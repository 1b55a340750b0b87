"""Measures the ledger side by side with plain references: `make bench`. Nothing here asserts a time."""
