"""A resolved policy: what every notice in force says together about one place and one year, each value with its source.

Everything that depends on the policy alone is computed once here, so that judging one more person costs little.
"""

import copy
import hashlib
from collections.abc import Callable, Hashable, Mapping
from datetime import date, datetime
from functools import cache, cached_property
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from services.ledger.policy.language.days import Span
from services.ledger.policy.language.facts import Credit, Person
from services.ledger.policy.language.settings import Settings, Sourced, Terms, YearTerms
from services.ledger.policy.language.target import Learning, Target, of_credit
from services.ledger.policy.rules import KINDS
from services.ledger.policy.rules.cap import CapTerms
from services.ledger.policy.rules.carry_over import CarryTerms
from services.ledger.policy.rules.categories import CategoryTerms
from services.ledger.policy.rules.disqualification import DisqualificationTerms
from services.ledger.policy.rules.equivalence import whole_forms
from services.ledger.policy.rules.filing import FilingTerms
from services.ledger.policy.rules.floor import FloorTerms
from services.ledger.policy.rules.make_up import MakeUpTerms
from services.ledger.policy.rules.modes import ModesTerms
from services.ledger.policy.rules.obligation import ObligationTerms
from services.ledger.policy.rules.providers import ProviderTerms
from services.ledger.policy.rules.recognition import RecognitionTerms
from services.ledger.policy.rules.record_limit import RecordLimitTerms
from services.ledger.policy.rules.registration import RegistrationTerms
from services.ledger.policy.rules.requirement import MinimaTerms
from services.ledger.policy.rules.units import UnitTerms
from services.ledger.policy.rules.window import WindowTerms

Basis = Literal["notice", "national"]
"""What a year is judged by: a notice of the place or of one above it, or the nation's framework alone (B-20)."""


class NoticeRef(Struct, frozen=True):
    """A notice that took part in the policy."""

    id: str
    document: str
    place: str
    hash: str


class Targets(NamedTuple):
    """The targets of rules that are for some (`for:`), those of them that are `meant` already, whether persons are still to
    be looked at, and what makes the policy of whom others mean as well."""

    every: tuple[Target, ...]
    meant: frozenset[Target]
    of_persons: bool
    made: "Callable[[frozenset[Target], frozenset[Target] | None], Policy]"


class ModeTerms(Terms):
    """How one mode of study is admitted in the year; what judging asks for every record is at hand, the rest by `get`.

    `needs` is what a completion waits for, in order: an exam, an evaluation, the year's total. `gates` is room for what
    admission makes of the terms.
    """

    def __init__(self, settings: Settings, mode: str) -> None:
        super().__init__(kind.mode_terms(settings, mode) for kind in KINDS if kind.mode_terms is not None)
        self.windows = self.of(WindowTerms)
        self.study: Span = self.windows.study
        self.register_ends: datetime = self.windows.register_ends
        self.acts: Mapping[str, Span] = self.windows.acts
        modes, registration = self.of(ModesTerms), self.of(RegistrationTerms)
        self.allowed: bool = modes.allowed
        self.modes_clause: str | None = modes.clause
        self.providers: ProviderTerms = self.of(ProviderTerms)
        self.needs = registration.needs
        self.style_clause: str | None = registration.clause
        self.units: UnitTerms | None = self.get(UnitTerms)
        self.gates: Any = None


class Policy(YearTerms):
    """What is in force for one place and one credit year. Two policies with one `hash` judge alike.

    `ordinary` is False for a year that only a make-up clause names: it is judged by the inherited thresholds, and its
    ordinary study is over. `basis` is what the year is judged by; `provisional` says that a notice may still come and judge
    the year (B-20). `settings` holds every value, also those that are data only, by the setting's name, and `for_some` what
    is said to some alone (`for:`), by the setting's name and of whom.
    """

    modes: Mapping[str, ModeTerms]
    any_mode: ModeTerms
    targets: Targets | None

    def __init__(
        self,
        *,
        place: str,
        year: int,
        chain: tuple[str, ...],
        ordinary: bool,
        basis: Basis = "notice",
        provisional: bool = False,
        hash_: str,
        notices: tuple[NoticeRef, ...],
        settings: Settings,
        modes: Mapping[str, ModeTerms],
        any_mode: ModeTerms,
        spans: tuple[Span, ...],
        make_up: MakeUpTerms,
        targets: Targets | None = None,
        for_some: Mapping[str, Sourced[Any]] | None = None,
    ) -> None:
        minima = MinimaTerms(tuple(one for kind in KINDS if kind.minima for one in kind.minima(settings)))
        made = (kind.terms(settings) for kind in KINDS if kind.terms is not None)
        super().__init__((minima, make_up, *made))
        self.place = place
        self.year = year
        self.chain = frozenset(chain)
        self.ordinary = ordinary
        self.basis = basis
        self.provisional = provisional
        self.hash = hash_
        self.notices = notices
        self.settings: Mapping[str, Sourced[Any]] = settings.values()
        self.modes = modes
        self.any_mode = any_mode
        self.spans = spans
        self.requirements = minima.minima
        self.total = minima.minima[0].minimum
        single = (one for terms in minima.minima for one in (terms.any_of or (terms,)))
        self.singled = tuple(terms for terms in single if terms.singled is not None)
        self.make_up = make_up.windows
        self.never = make_up.never
        self.made_up_by = tuple(window.requirement for window in make_up.windows if window.requirement)
        self.duty = self.of(ObligationTerms)
        self.duty_ends = self.duty.end_clause is not None
        self.categories = self.of(CategoryTerms)
        self.carries = self.get(CarryTerms)
        self.caps = self.get(CapTerms)
        self.floors = self.get(FloorTerms)
        self.whole_forms = whole_forms(self.settings)
        self.counts_singly = bool(self.caps or self.floors or self.singled or self.whole_forms)
        self.recognition = self.get(RecognitionTerms)
        self.record_limit = self.of(RecordLimitTerms)
        self.disqualification = self.of(DisqualificationTerms)
        self.targets = targets
        self.for_some = for_some or {}
        self.days: dict[date, Any] = {}
        self.openings: dict[Hashable, Any] = {}

    def __repr__(self) -> str:
        return f"Policy({self.place}, {self.year}, {self.hash})"

    def placed(self, place: str, chain: tuple[str, ...]) -> "Policy":
        """The same policy for another place: all that was made of the settings, and of the days, is shared."""
        other = copy.copy(self)
        other.place, other.chain = place, frozenset(chain)
        other.hash = "sha256:" + hashlib.sha256(f"{self.hash} {place}".encode()).hexdigest()
        if self.targets is not None:
            made = self.targets.made
            other.targets = self.targets._replace(
                made=cache(lambda meant, open_: made(meant, open_).placed(place, chain))
            )
        return other

    def of_person(self, person: Person) -> "Policy":
        """The policy as it is for one person; this very one where nothing is said to some alone."""
        targets = self.targets
        if targets is None or not targets.of_persons:
            return self
        taken = [each for each in targets.every if each.takes_person(person, self.year)]
        meant = frozenset(each for each in taken if not each.is_of_learning)
        return targets.made(meant, frozenset(taken) - meant)

    def of_learning(self, learning: Learning) -> "Policy":
        """The policy of a person as it is for what was studied; this very one where nothing is said of some alone."""
        targets = self.targets
        if targets is None:
            return self
        known = (each for each in targets.every if not (targets.of_persons and each.is_of_persons))
        meant = frozenset(each for each in known if each.takes(learning))
        return targets.made(targets.meant | meant, frozenset())

    @cached_property
    def branches(self) -> "tuple[Policy, ...]":
        """The policy itself, and as it is for each of the credits of which something is said alone."""
        targets = self.targets
        if targets is None:
            return (self,)
        single = (targets.made(targets.meant | {each}, frozenset()) for each in targets.every)
        return (self, *single)

    def terms_of(self, mode: str) -> ModeTerms:
        """How the mode is admitted; a mode no clause speaks of follows the general clauses."""
        return self.modes.get(mode, self.any_mode)

    def awaits(self, credit: Credit) -> str | None:
        """The clause for which a registered credit waits to be recognised; None when none asks for it."""
        own = self.of_learning(of_credit(credit)).recognition
        return own.awaits(credit) if own is not None else None

    def title_of(self, course: str | None, choice: str | None = None) -> str | None:
        """What the notice calls a required course, or a choice of minima."""
        named = ((terms.course, terms.choice) for terms in self.requirements)
        titles = dict(zip(named, (terms.course_name for terms in self.requirements), strict=True))
        return titles.get((course, choice))

    def filed_first(self, mode: str) -> "Sourced[str] | None":
        """The clause by which trainings of the mode are filed before they are held (S1-14, S2B-13); None where none asks."""
        found = self.terms_of(mode).get(FilingTerms)
        return found.first if found is not None else None

    @cached_property
    def study_begins(self) -> datetime:
        """The first moment of the year's study, over all allowed modes."""
        return min(span.begins for span in self._study)

    @cached_property
    def study_ends(self) -> datetime:
        """The first moment after the year's study, over all allowed modes."""
        return max(span.ends for span in self._study)

    def is_studied_at(self, moment: datetime) -> bool:
        """Whether what is studied at a moment may be reported for the year: as its own study, or to make it up."""
        own = self.ordinary and self.study_begins <= moment < self.study_ends
        windows = (open_ for branch in self.branches for open_ in branch.make_up)
        return own or any(
            (open_.channel == "automatic" or "special_reason" in open_.conditions)
            and (self.study_begins if open_.act == "register" else open_.begins) <= moment < open_.study_ends
            for open_ in windows
        )

    @cached_property
    def _study(self) -> list[Span]:
        spans = (span for branch in self.branches for span in branch.spans)
        return [span for span in spans if span.act == "study"] or [self.any_mode.study]
