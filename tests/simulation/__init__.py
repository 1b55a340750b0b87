"""A seeded workload of several authorities and providers, checked answer by answer by an auditor who knows three places."""
