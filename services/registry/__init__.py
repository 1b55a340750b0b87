"""The registry: who a person is, where they belong, and who may report."""
