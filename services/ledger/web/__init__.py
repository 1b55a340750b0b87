"""Words of the ledger's addresses and bodies, and who calls."""
