"""Tests of the contracts, which stay what they were: places, identifiers, published events and their documents."""
