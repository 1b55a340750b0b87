"""The registry: its aggregates without a database, its routes with one."""
