"""Callers, and which of them may: written out place by place, without the rules of the services."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.registry.ground import Ground

# County, city, province, nation; their neighbours; and Dalian, which is not Liaoning's (S1-01).
OFFICIALS = (
    "211302", "211303", "211300", "210100", "210000", "210200", "210202", "210203", "140000", "660000", "100000"
)  # fmt: skip
COVERING = {
    "211302": {"211302", "211300", "210000", "100000"},
    "210202": {"210202", "210200", "100000"},
}
OWN, STRANGER, NOBODY = "own organization", "another organization", "nobody"
CALLERS = (*OFFICIALS, OWN, STRANGER, NOBODY)

Asked = tuple[str, Any]
Prepared = Callable[[Ground], Awaitable[Asked]]
Rule = Callable[[str], set[str]]


def covering(home: str) -> set[str]:
    return COVERING[home]


def covering_or_own(home: str) -> set[str]:
    return COVERING[home] | {OWN}


def issuing(home: str) -> set[str]:
    """S3B-09: a local unit's own bureau, and nobody above it."""
    return {home}


def own(home: str) -> set[str]:
    return {OWN}


def officials(home: str) -> set[str]:
    return set(OFFICIALS)


def officials_or_own(home: str) -> set[str]:
    return {*OFFICIALS, OWN}


def officials_or_services(home: str) -> set[str]:
    return {*OFFICIALS, NOBODY}


def nation(home: str) -> set[str]:
    return {"100000", NOBODY}


def nobody(home: str) -> set[str]:
    """The services, whose tokens are bound to no place and no organization."""
    return {NOBODY}


def people_alone(home: str) -> set[str]:
    """People with a token of their own (`collection:own`), who are none of these callers."""
    return set()


def anybody(home: str) -> set[str]:
    return set(CALLERS)
