"""The thresholds of anomalies as data: of the nation, and what places set otherwise."""

from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

import yaml
from msgspec import Struct

from contracts.divisions import chain_of


class AnomalyRules(Struct, frozen=True):
    """When study of one day looks impossible at a place."""

    hours_per_day: Decimal
    minutes_per_credit: Decimal
    providers_per_minute: int


@cache
def rules_of(place: str) -> AnomalyRules:
    """The rules of a place: each value from the nearest place that sets it."""
    written = _written()
    values: dict[str, Any] = {}
    for code in reversed(chain_of(place)):
        values |= written.get(code, {})
    return AnomalyRules(
        hours_per_day=Decimal(str(values["hours_per_day"])),
        minutes_per_credit=Decimal(str(values["minutes_per_credit"])),
        providers_per_minute=int(values["providers_per_minute"]),
    )


@cache
def _written() -> dict[str, dict[str, Any]]:
    text = resources.files(__package__).joinpath("rules.yaml").read_text(encoding="utf-8")
    read: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return read
