"""Tests of transfers between registries."""
