"""Tests of the three kinds of a moving profile."""
