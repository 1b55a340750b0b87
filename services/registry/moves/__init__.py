"""Moves: the registry's side of transfers between authorities."""
