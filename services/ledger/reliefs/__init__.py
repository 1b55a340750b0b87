"""What an authority grants a person for a year: to be free of it, or more time for it; and how each ends."""
