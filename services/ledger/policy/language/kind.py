"""A kind of rule: what one file of `rules/` tells the rest of the engine about itself."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from services.ledger.policy.language.findings import At, Finding, OwnClauses
from services.ledger.policy.language.minima import RequirementTerms
from services.ledger.policy.language.rule import Rule
from services.ledger.policy.language.settings import Settings, YearTerms
from services.ledger.policy.language.words import RejectionWords, Words

R = TypeVar("R", bound=Rule)


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[R]):
    """A kind of rule. All but its class may be left out, and is by kinds that are only shown.

    `terms` and `mode_terms` make of the settings of a year, or of a mode in it, what judging needs (None where nothing is
    asked), and `minima` what the year's credits must reach. `by_mode` says that its settings end in a mode. `faults` are
    what makes a file wrong, `warnings` what nothing follows from, `year_warnings` what nobody could meet in a year.
    `rejections` and `why` are its words: of refusals by code, and of credits that do not count by reason.
    """

    rule: type[R]
    terms: Callable[[Settings], object] | None = None
    mode_terms: Callable[[Settings, str], object] | None = None
    minima: Callable[[Settings], Iterable[RequirementTerms]] | None = None
    by_mode: bool = False
    faults: Callable[[R, At], Iterator[Finding]] | None = None
    warnings: Callable[[R, At], Iterator[Finding]] | None = None
    year_warnings: Callable[[YearTerms, OwnClauses], Iterator[Finding]] | None = None
    rejections: Mapping[str, RejectionWords] = field(default_factory=dict)
    why: Mapping[str, Words] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        """What a notice writes after `kind:`."""
        return str(self.rule.__struct_config__.tag)
