"""A notice as a document: its file, its schema, its faults, and the `Notice` that comes of it."""
