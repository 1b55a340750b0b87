"""Tests of the synchronisation."""
