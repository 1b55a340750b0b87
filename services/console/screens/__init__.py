"""Screens: one module for each, with its templates and its words, registered in one table."""
