"""The three kinds of a moving profile: within an authority, out to another, in from another."""
