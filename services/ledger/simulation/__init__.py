"""What a draft notice would change over the ledger as it is, without touching it."""
