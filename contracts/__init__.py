"""The contracts: all that crosses a service boundary, and nothing else."""

from pathlib import Path

DEPRECATIONS = Path(__file__).with_name("deprecations.yaml")
"""What will end, and when."""
