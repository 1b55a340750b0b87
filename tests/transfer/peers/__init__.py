"""Tests of calls to the other services and the relay."""
