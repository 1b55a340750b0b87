"""The notices that a ledger has published, read from its database by a command."""

import asyncio

from services.cli.databases import connect_as, databases_for_a_command
from services.cli.settings import StackSettings
from services.kit.database import Databases
from services.kit.event_store import EventStore
from services.ledger.policy import PolicyBook
from services.ledger.store.published_policies import PolicyShelf


async def published_book(databases: Databases) -> PolicyBook:
    """Every notice ever published to the ledger, as its processes judge by them."""
    shelf = PolicyShelf(databases, EventStore())
    await shelf.refresh()
    return shelf.book


def book_of_this_ledger() -> PolicyBook:
    """The same of the ledger that this installation runs, or would run.

    Raises SettingsError when its database is not known.
    """

    async def read(dsns: dict[str, str]) -> PolicyBook:
        databases = await connect_as("ledger", settings, dsns, purpose="policy")
        try:
            return await published_book(databases)
        finally:
            await databases.close()

    settings = StackSettings.load()
    with databases_for_a_command(settings) as dsns:
        return asyncio.run(read(dsns))
