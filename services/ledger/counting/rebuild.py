"""Rebuild of the ledger's read models from its logs: beside the live rows, then switched log by log."""

from collections.abc import Sequence

from contracts.divisions import AUTHORITIES
from services.kit.database import Databases
from services.kit.event_store import EventStore
from services.kit.projection import Projection
from services.kit.rebuild import Compared, NamedProgress, Rebuilt, compare_named, rebuild_named
from services.ledger.counting.anomaly_projection import Anomalies
from services.ledger.counting.registrations import RegistrationsDaily
from services.ledger.counting.scorecards import Scorecards
from services.ledger.counting.standing_projection import Standings
from services.ledger.store.organization_events import OrganizationEvents
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.store.read_models import INLINE

BEHIND: tuple[Projection, ...] = (RegistrationsDaily(), Scorecards(), Anomalies(), OrganizationEvents())
"""Written by the worker, with a checkpoint."""

LAGGING = (*(model.name for model in BEHIND), Standings.name)
"""The names of everything the worker writes."""


def behind(policies: PublishedPolicies) -> tuple[Projection, ...]:
    """Everything the worker writes: the projections of events alone, and those that judge by the published notices."""
    return (*BEHIND, standings(policies))


def standings(policies: PublishedPolicies) -> Standings:
    """The standings, which whatever touches an account or a profile may change."""
    touching = [model.topics for model in INLINE if model.name in ("accounts", "profiles")]
    return Standings(policies, frozenset[str]().union(*touching))


READ_MODELS = (*(model.name for model in INLINE), *LAGGING)


async def rebuild(
    databases: Databases,
    *,
    models: Sequence[str] = READ_MODELS,
    logs: Sequence[str] = AUTHORITIES,
    progress: NamedProgress = lambda model, log, position, head: None,
) -> list[Rebuilt]:
    """Rebuild the named read models of the named logs; what each did. LookupError for an unknown name."""
    every = (*INLINE, *behind(PublishedPolicies(databases, EventStore())))
    return await rebuild_named(databases, every, models=models, logs=logs, behind=LAGGING, progress=progress)


async def compare(
    databases: Databases,
    *,
    models: Sequence[str] = READ_MODELS,
    logs: Sequence[str] = AUTHORITIES,
    progress: NamedProgress = lambda model, log, position, head: None,
) -> list[Compared]:
    """Compare the named read models of the named logs with what the events give. LookupError for an unknown name."""
    every = (*INLINE, *behind(PublishedPolicies(databases, EventStore())))
    return await compare_named(databases, every, models=models, logs=logs, behind=LAGGING, progress=progress)
