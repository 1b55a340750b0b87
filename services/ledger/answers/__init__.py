"""The questions: compliance, transcript, what is in force, statistics."""
