"""Rebuild of the transfer service's read models from its log: beside the live rows, then switched."""

from collections.abc import Sequence

from services.kit.database import Databases
from services.kit.rebuild import Compared, NamedProgress, Rebuilt, compare_named, rebuild_named
from services.transfer.projection import read_models
from services.transfer.tables import LOG

MODELS = tuple(read_models())
READ_MODELS = tuple(model.name for model in MODELS)


async def rebuild(
    databases: Databases,
    *,
    models: Sequence[str] = READ_MODELS,
    logs: Sequence[str] = (LOG,),
    progress: NamedProgress = lambda model, log, position, head: None,
) -> list[Rebuilt]:
    """Rebuild the named read models; what each did. LookupError for an unknown name."""
    return await rebuild_named(databases, MODELS, models=models, logs=logs, progress=progress)


async def compare(
    databases: Databases,
    *,
    models: Sequence[str] = READ_MODELS,
    logs: Sequence[str] = (LOG,),
    progress: NamedProgress = lambda model, log, position, head: None,
) -> list[Compared]:
    """Compare the named read models with what the log gives. LookupError for an unknown name."""
    return await compare_named(databases, MODELS, models=models, logs=logs, progress=progress)
