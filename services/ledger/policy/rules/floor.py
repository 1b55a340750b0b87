"""Floors (计入门槛): credits that count all or not at all, such as 60 in one enrolment or none.

What is below its floor stays as it was awarded and is shown; it counts once the rest has come, so that more never harms.
"""

from collections.abc import Hashable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Literal

from msgspec import Struct

from services.ledger.policy.language.facts import Credit
from services.ledger.policy.language.findings import Kind
from services.ledger.policy.language.rule import CategoryPath, Code, Credits, Mode
from services.ledger.policy.language.selector import Selector
from services.ledger.policy.language.settings import Settings
from services.ledger.policy.language.target import PERSONS, TargetedRule
from services.ledger.policy.rules.cap import paths_of

Per = Literal["enrolment", "provider", "course", "form", "mode", "year"]


class Floor(TargetedRule, frozen=True, tag="floor"):
    """计入门槛: 同一报名 (同一机构、同一方式)、机构、课程、形式、方式或全年, 不足此数的不计入。All or nothing.

    `categories`, `modes` and `forms` say of which credits; left out, of all. `name` is what a later or nearer notice calls
    it by when it changes it; `lifted` ends it.
    """

    name: Code
    per: Per
    credits: Credits
    categories: tuple[CategoryPath, ...] = ()
    modes: tuple[Mode, ...] = ()
    forms: tuple[Code, ...] = ()
    lifted: bool = False

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for each named floor."""
        yield f"floor.{self.name}", self


class OneFloor(Struct, frozen=True):
    """A floor ready for counting."""

    per: Per
    credits: Decimal
    of: Selector
    clause: str

    def bears(self, credit: Credit) -> bool:
        """Whether the floor is about the credit, wherever it may count."""
        return self.of.matches(credit) and any(self.of.takes(path) for path in paths_of(credit))

    def bucket(self, credit: Credit) -> Hashable:
        """Credits of one bucket reach the floor together."""
        match self.per:
            case "enrolment":
                return credit.provider, credit.mode
            case "provider":
                return credit.provider
            case "course":
                return credit.provider, credit.course
            case "form":
                return credit.form
            case "mode":
                return credit.mode
            case _:
                return None


class FloorTerms(Struct, frozen=True):
    """The floors of a policy, by their names."""

    floors: tuple[OneFloor, ...]

    def below(self, credits: Sequence[Credit]) -> dict[int, str]:
        """The credits, by place in the list, that do not count, each with the clause for which it does not.

        What one floor keeps out reaches no other, so that they are asked until nothing more falls out.
        """
        out: dict[int, str] = {}
        before = -1
        while len(out) > before:
            before = len(out)
            for floor in self.floors:
                out |= self._below(floor, [(n, each) for n, each in enumerate(credits) if n not in out])
        return out

    @staticmethod
    def _below(floor: OneFloor, credits: Sequence[tuple[int, Credit]]) -> dict[int, str]:
        sums: dict[Hashable, Decimal] = {}
        borne = [(number, each, floor.bucket(each)) for number, each in credits if floor.bears(each)]
        for _, each, bucket in borne:
            sums[bucket] = sums.get(bucket, Decimal(0)) + each.credits
        return {number: floor.clause for number, _, bucket in borne if sums[bucket] < floor.credits}


def terms_of(settings: Settings) -> FloorTerms | None:
    """The floors that no clause lifts; None where there are none."""
    made = tuple(
        OneFloor(
            said.value.per,
            said.value.credits,
            Selector(said.value.categories, frozenset(said.value.modes), frozenset(said.value.forms)),
            said.clause,
        )
        for _, said in settings.under("floor.")
        if not said.value.lifted
    )
    return FloorTerms(made) if made else None


KIND = Kind(
    rule=Floor,
    selectors=PERSONS,
    terms=terms_of,
    why={"below_floor": ("未达到计入门槛，暂不计入", "below what is needed for any of it to count")},
)
