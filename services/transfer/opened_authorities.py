"""The authorities that have opened transfers to and from others, with the day: data that a deployment maintains."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import yaml

from contracts.divisions import AUTHORITIES, NATION, authority_of

PACKAGED = Path(__file__).with_name("opened_authorities.yaml")
_EXPECTED = "must be a list of {authority, opened_on} under `opened`"


class OpenedAuthoritiesError(ValueError):
    """The list cannot be read; says which entry is at fault."""


class OpenedAuthorities:
    """From which day on each authority takes part in transfers between authorities (S2C-13)."""

    def __init__(self, since: Mapping[str, date] | None = None) -> None:
        self._since = dict(since or {})

    def has_opened(self, authority: str, on: date) -> bool:
        """Whether the authority has opened the service by that day."""
        since = self._since.get(authority)
        return since is not None and since <= on

    def have_opened(self, from_place: str, to_place: str, on: date) -> bool:
        """Whether the authorities of both places have opened the service by that day."""
        return all(self.has_opened(authority_of(place), on) for place in (from_place, to_place))

    @classmethod
    def from_file(cls, path: Path = PACKAGED) -> OpenedAuthorities:
        """The list in a YAML file. Raises OpenedAuthoritiesError when an entry cannot be right."""
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise OpenedAuthoritiesError(f"{path.name} cannot be read: {error}") from None
        entries = document.get("opened") if isinstance(document, dict) else None
        if not isinstance(entries, list):
            raise OpenedAuthoritiesError(f"{path.name}: {_EXPECTED}")
        since: dict[str, date] = {}
        for number, entry in enumerate(entries, 1):
            authority, opened_on = _entry(entry, f"{path.name}: entry {number}")
            if authority in since:
                raise OpenedAuthoritiesError(f"{path.name}: entry {number} names {authority} again")
            since[authority] = opened_on
        return cls(since)


def _entry(entry: object, where: str) -> tuple[str, date]:
    if not isinstance(entry, dict) or set(entry) != {"authority", "opened_on"}:
        raise OpenedAuthoritiesError(f"{where} {_EXPECTED}")
    authority, opened_on = str(entry["authority"]), entry["opened_on"]
    if authority not in AUTHORITIES or authority == NATION:
        raise OpenedAuthoritiesError(f"{where} names no authority that keeps profiles")
    if not isinstance(opened_on, date) or isinstance(opened_on, datetime):
        raise OpenedAuthoritiesError(f"{where} needs a day such as 2026-03-01 as opened_on")
    return authority, opened_on
