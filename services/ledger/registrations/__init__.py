"""What an authority registers itself: its own lists, and history."""
