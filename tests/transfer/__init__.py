"""The transfer service: decisions without a database, everything else on real PostgreSQL."""
