"""Organizations: filings, plans, reports, evaluations, duties."""
