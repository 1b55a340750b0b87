"""Many people collected from one table."""
