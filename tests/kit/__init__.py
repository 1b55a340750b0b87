"""The plumbing, on real PostgreSQL and real sockets."""
