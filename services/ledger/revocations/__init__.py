"""Credits that an authority takes back: one, with a reason, or those of a disqualified provider, one event each."""
