"""Streams of the ledger: one file each, with its events, its state, its decisions and its refusals; pure."""
