"""Acts of officials."""
