"""Standings, statistics, simulation."""
