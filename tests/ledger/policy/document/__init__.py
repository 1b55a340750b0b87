"""Tests of a notice as a document: its file, and what is wrong with it."""
