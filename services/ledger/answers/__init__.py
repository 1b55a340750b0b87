"""Answers to questions: compliance, transcript, what is in force, statements for third parties."""
