"""The store of the ledger: units of work, rows and tables."""
