"""What a system outside holds and we do not comes in through the ledger's import of history."""
