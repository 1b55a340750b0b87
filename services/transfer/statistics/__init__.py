"""How transfers go at a place: how many are on their way, late, returned and why, and how long they take."""
