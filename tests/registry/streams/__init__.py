"""Tests of what streams decide, without a database."""
