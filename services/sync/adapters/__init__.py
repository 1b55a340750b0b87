"""How a system outside is talked to: one interface, one file for each way."""
