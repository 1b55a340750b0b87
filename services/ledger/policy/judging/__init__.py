"""Judgements by a policy: what becomes credits, what counts, and whether a year is met."""
