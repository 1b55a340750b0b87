"""Every published event of the three services by its type: for readers of feeds, and for their schemas."""

from __future__ import annotations

from typing import Any

from contracts import ledger, registry, transfer
from contracts.envelope import PublishedEvent

_MODULES = (registry, ledger, transfer)

PUBLISHED_EVENTS: dict[str, type[PublishedEvent]] = {
    event.TYPE: event
    for module in _MODULES
    for event in vars(module).values()
    if isinstance(event, type) and issubclass(event, PublishedEvent) and event is not PublishedEvent
}
"""The whole contract: event type to model."""


class UnknownEventTypeError(LookupError):
    """An event of a type this release does not know: its reader must stop, not skip."""


def read_event(event_type: str, data: Any) -> PublishedEvent:
    """The event from its type and its `data` as decoded JSON.

    Raises UnknownEventTypeError, or pydantic's ValidationError when the data is not of that type's form.
    """
    model = PUBLISHED_EVENTS.get(event_type)
    if model is None:
        raise UnknownEventTypeError("the event type is not in this release's contract")
    return model.model_validate(data)
