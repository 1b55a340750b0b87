"""`xuefen sync`: how the deliveries to systems outside stand, whether both sides hold the same, and what to do when not."""
