"""Cases: claims, filings, rosters, lists."""
