"""The three services, their plumbing and the command line."""
