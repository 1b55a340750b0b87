"""Deliveries made of what the ledger's feeds say, one transaction a batch."""
