"""The synchronisation: every registered credit reaches the systems outside once, in order, and both sides can prove it."""
