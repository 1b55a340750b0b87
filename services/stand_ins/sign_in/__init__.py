"""A stand-in for a province's sign-in service: OpenID Connect with fictitious people of every role. Never for real use."""
