"""Deliveries on their way: leased, told who it is about, sent, answered."""
