"""Settings: what the notices of a place and year settle, each by its name, and the terms that kinds make of them."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Generic, NamedTuple, TypeVar

from msgspec import Struct

from services.ledger.policy.language.days import Span, day_of
from services.ledger.policy.language.rule import Rule

T = TypeVar("T")
Rank = tuple[int, date, int, int]
"""How near the place is, when the notice was issued, its turn among all published, and how much the rule's target names:
the greater wins."""


class Sourced(Struct, Generic[T], frozen=True):
    """A value and where it comes from: the clause, its words, and the document of which place."""

    value: T
    clause: str
    document: str
    place: str
    article: str
    text: str

    def carrying(self, value: object) -> "Sourced[Any]":
        """Another value of the same source."""
        return Sourced(value, self.clause, self.document, self.place, self.article, self.text)


class Winner(NamedTuple):
    """The value a setting has so far, and the rank by which it won."""

    rank: Rank
    sourced: Sourced[Any]


class Settings:
    """The settings of one place and year, gathered clause by clause."""

    def __init__(self, year: int) -> None:
        self.year = year
        self._winners: dict[str, Winner] = {}

    def take(self, rank: Rank, rule: Rule, source: Sourced[object], issued: date) -> None:
        """Let a rule compete for its settings; days counted from the issue become days of the calendar."""
        for name, value in rule.settings():
            held = self._winners.get(name)
            if held is None or rank >= held.rank:
                counted = isinstance(value, str) and value.startswith("issue+")
                said = str(day_of(str(value), self.year, issued)) if counted else value
                self._winners[name] = Winner(rank, source.carrying(said))

    def copy(self) -> "Settings":
        """Settings of their own that begin with the same values."""
        other = Settings(self.year)
        other._winners = self._winners.copy()
        return other

    def values(self) -> dict[str, Sourced[Any]]:
        """Every setting with its source, in order of names."""
        return {name: self._winners[name].sourced for name in sorted(self._winners)}

    def get(self, name: str) -> Sourced[Any] | None:
        """The setting's value, with its source."""
        winner = self._winners.get(name)
        return winner.sourced if winner else None

    def under(self, prefix: str) -> list[tuple[str, Sourced[Any]]]:
        """The settings whose names begin with the prefix, by the rest of their names, in order of it."""
        return [
            (name.removeprefix(prefix), self._winners[name].sourced)
            for name in sorted(self._winners)
            if name.startswith(prefix)
        ]

    def of_mode(self, name: str, mode: str) -> Sourced[Any] | None:
        """The setting for a mode: what is said of that mode, or of all modes, whichever outranks the other."""
        general, special = self._winners.get(f"{name}.*"), self._winners.get(f"{name}.{mode}")
        if special is not None and (general is None or special.rank >= general.rank):
            return special.sourced
        return general.sourced if general else None

    def modes_of(self, prefix: str) -> set[str]:
        """The modes that a setting is spoken of by name."""
        names = (name.rpartition(".") for name in self._winners if name.startswith(prefix + "."))
        return {mode for _, _, mode in names if mode != "*"}


class Terms:
    """What kinds of rules made of settings, each by the class of what it made."""

    def __init__(self, made: Iterable[object]) -> None:
        self._made: Mapping[type[Any], Any] = {type(one): one for one in made if one is not None}

    def of(self, kind: type[T]) -> T:
        """The terms of a kind that makes some of any settings; LookupError where there are none."""
        found: T = self._made[kind]
        return found

    def get(self, kind: type[T]) -> T | None:
        """The terms of a kind; None where no clause asks anything of it."""
        return self._made.get(kind)


class YearTerms(Terms):
    """A place's credit year as kinds of rules see it; `modes` are the modes that a clause names, `any_mode` all others."""

    place: str
    year: int
    ordinary: bool
    settings: Mapping[str, Sourced[Any]]
    modes: Mapping[str, Terms]
    any_mode: Terms
    spans: tuple[Span, ...]
