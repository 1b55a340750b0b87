"""Cases: claims, filings, rosters, lists and registrations, from the request to what they earn."""
