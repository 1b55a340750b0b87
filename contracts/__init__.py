"""The contracts: all that crosses a service boundary, and nothing else."""
