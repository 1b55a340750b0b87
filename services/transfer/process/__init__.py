"""The worker's share of a transfer: its steps, the mail of the relay, and the loop over them."""
