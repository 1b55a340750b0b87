"""Schema fuzzing of the services: every route, sent good and bad data made from its own document."""
