"""Standings: the status of every person's year, kept ready and counted by place."""
