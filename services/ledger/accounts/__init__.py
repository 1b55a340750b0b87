"""What a log knows of people: accounts, profiles, providers, and what waits for whom."""
