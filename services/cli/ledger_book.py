"""The notices that a ledger has published, read from its database by a command."""

from services.kit.database import Databases
from services.kit.event_store import EventStore
from services.ledger.policy import PolicyBook
from services.ledger.publication.shelf import PolicyShelf


async def published_book(databases: Databases) -> PolicyBook:
    """Every notice ever published to the ledger, as its processes judge by them."""
    shelf = PolicyShelf(databases, EventStore())
    await shelf.refresh()
    return shelf.book
