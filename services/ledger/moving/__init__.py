"""How a person's profile and accounts leave one log and arrive in another."""
