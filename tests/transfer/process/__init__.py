"""Tests of what the worker carries on."""
