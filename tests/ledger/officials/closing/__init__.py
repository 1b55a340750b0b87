"""The close of a year and what comes after."""
