"""Rebuild of the transfer service's read models from its log: beside the live rows, then switched."""

from collections.abc import Callable, Sequence
from functools import partial

from services.kit.database import Databases
from services.kit.event_store import EventStore
from services.kit.rebuild import Rebuilt
from services.kit.rebuild import rebuild as rebuild_one
from services.transfer.projection import read_models
from services.transfer.tables import LOG

MODELS = tuple(read_models())
READ_MODELS = tuple(model.name for model in MODELS)

Progress = Callable[[str, str, int, int], None]
"""Told the read model, the log, the position reached and the log's head."""


async def rebuild(
    databases: Databases,
    *,
    models: Sequence[str] = READ_MODELS,
    logs: Sequence[str] = (LOG,),
    progress: Progress = lambda model, log, position, head: None,
) -> list[Rebuilt]:
    """Rebuild the named read models; what each did. LookupError for an unknown name."""
    unknown = set(models) - set(READ_MODELS)
    if unknown:
        raise LookupError(f"no read model is called {', '.join(sorted(unknown))}")
    store = EventStore()
    return [
        await rebuild_one(
            databases.of(log), store, model, log, inline=True, progress=partial(progress, model.name, log)
        )
        for log in logs
        for model in MODELS
        if model.name in models
    ]
