"""Counts over many: standings, statistics, anomalies, and what a draft notice would change."""
