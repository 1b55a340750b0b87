"""The ledger: credits, policies, and the answer to whether a year is met."""
