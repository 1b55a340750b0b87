"""What the ledger's feeds say becomes deliveries, one transaction a batch."""
