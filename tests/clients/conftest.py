"""A ledger for the clients."""

from tests.ledger.conftest import world

__all__ = ["world"]
