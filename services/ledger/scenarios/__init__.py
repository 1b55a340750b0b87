"""Scenarios: stories about people, days and credits, told to the policies of a book to see what they come to."""
