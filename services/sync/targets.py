"""The systems that are delivered to, and what each takes: data that a deployment maintains, read once and checked whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError

from contracts.divisions import AUTHORITIES, NATION, authority_of, contains, is_known
from contracts.targets import KINDS, TargetRecord
from services.kit.schemas import StrictModel
from services.kit.settings import SettingsError

PACKAGED = Path(__file__).with_name("targets.yaml")

Place = Annotated[str, Field(pattern=r"^[1-9][0-9]{5}$")]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]


class Target(StrictModel):
    """A system outside. `in_flight` batches of `batch` records may be on their way from one worker at a time."""

    name: Name
    adapter: Literal["http"] = "http"
    url: str | None = None
    credential: str | None = None
    record: Literal["credit", "certificate", "archive"]
    places: tuple[Place, ...]
    excluded: Annotated[tuple[Place, ...], Field(alias="except")] = ()
    categories: tuple[Word, ...] = ()
    modes: tuple[Word, ...] = ()
    needs: tuple[Literal["identity"], ...] = ()
    due: Annotated[int, Field(ge=1, le=250)] | None = None
    recognised: tuple[Word, ...] = ()
    source: Word | None = None
    pull: bool = False
    batch: Annotated[int, Field(ge=1, le=500)] = 200
    in_flight: Annotated[int, Field(ge=1, le=32)] = 4
    seconds: Annotated[int, Field(ge=1, le=300)] = 30
    retry_hours: Annotated[int, Field(ge=1, le=720)] = 24

    @property
    def kind(self) -> type[TargetRecord]:
        """The model of its records."""
        return KINDS[self.record]

    @property
    def is_on(self) -> bool:
        """Whether it has an address, so that deliveries are recorded for it."""
        return self.url is not None

    def takes_place(self, place: str) -> bool:
        """Whether it is told of this place: Shenzhen is not Guangdong (S4-11)."""
        if any(contains(each, place) for each in self.excluded):
            return False
        return any(contains(each, place) for each in self.places)

    def takes_credit(self, *, place: str, category: str, mode: str, source: str | None) -> bool:
        """Whether it is told of such a credit; what it held itself does not go back to it."""
        if source is not None and source == self.source:
            return False
        if self.categories and category not in (*self.categories, "any"):
            return False
        if self.modes and mode not in self.modes:
            return False
        return self.takes_place(place)


class Targets:
    """The targets of a deployment by name; those that are on are delivered to."""

    def __init__(self, targets: Iterable[Target]) -> None:
        self.all = {target.name: target for target in targets}

    @property
    def on(self) -> list[Target]:
        """Those with an address."""
        return [target for target in self.all.values() if target.is_on]

    def of_record(self, record: str) -> list[Target]:
        """Those that are on and take this kind of record."""
        return [target for target in self.on if target.record == record]

    def logs(self) -> Sequence[str]:
        """The ledger's logs that have to be followed: of every authority some target takes a place of."""
        wanted: set[str] = set()
        for target in self.on:
            for place in target.places:
                wanted.update(AUTHORITIES if place == NATION else (authority_of(place),))
        return [log for log in AUTHORITIES if log in wanted and log != NATION]

    @classmethod
    def from_file(cls, path: Path = PACKAGED) -> Targets:
        """The targets of a YAML file. Raises SettingsError that names the entry at fault."""
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise SettingsError(f"{path.name} cannot be read: {type(error).__name__}") from None
        entries = document.get("targets") if isinstance(document, dict) else None
        if not isinstance(entries, dict):
            raise SettingsError(f"{path.name}: must hold targets by name under `targets`")
        return cls(_target(path.name, name, entry) for name, entry in entries.items())


def _target(file: str, name: object, entry: Any) -> Target:
    try:
        target = Target.model_validate_json(json.dumps({"name": name, **(entry or {})}))
    except (ValidationError, TypeError) as error:
        fault = error.errors(include_input=False)[0] if isinstance(error, ValidationError) else None
        where = ".".join(str(part) for part in fault["loc"]) if fault else "entry"
        raise SettingsError(f"{file}: target {name}: {where} cannot be used") from None
    unknown = [place for place in (*target.places, *target.excluded) if not is_known(place)]
    if unknown or not target.places:
        raise SettingsError(f"{file}: target {name}: places cannot be used {', '.join(unknown)}".rstrip())
    return target
