"""Trainings filed before they are held, and the rosters reported after them (备案)."""
