"""The transfer service: a profile moves from one place to another."""
