"""References that the ledger is measured against: plain programs that somebody would write without it."""
