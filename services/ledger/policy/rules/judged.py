"""The rules that decide today: who owes a year, how much, when and how it is studied, registered and made up."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from msgspec import Meta

from services.ledger.policy.language.rule import (
    CategoryPath,
    ClauseId,
    Credits,
    Mode,
    OpeningDay,
    Part,
    ProviderRule,
    RegistrationMoment,
    Rule,
    Text,
    Tier,
    Years,
    by_mode,
)


class RecordLimit(Rule, frozen=True, tag="record_limit"):
    """单条学习记录的学分上限。The most credits one completion may carry."""

    credits: Credits


class Modes(Rule, frozen=True, tag="modes"):
    """学习形式: 允许的方式; open 表示"等", 其他方式亦可。Allowed modes; when open, others are allowed too.

    With `tiers` it is said of people of those tiers alone, beside what is said of everybody (高级仅限面授).
    """

    allowed: Annotated[tuple[Mode, ...], Meta(min_length=1)]
    open: bool = False
    tiers: tuple[Tier, ...] = ()

    def settings(self) -> Iterator[tuple[str, Any]]:
        """One setting for everybody, or one for each tier named."""
        if not self.tiers:
            yield "modes", self
        for tier in self.tiers:
            yield f"modes.{tier}", self


class ListedProvider(Part, frozen=True):
    """名单中的机构: 有统一社会信用代码按代码认定, 否则按名称。Matched by code when given, else by exact name."""

    name: Text
    uscc: Annotated[str, Meta(pattern="^[0-9A-HJ-NP-RT-UW-Y]{18}$")] | None = None


class Providers(Rule, frozen=True, tag="providers"):
    """培训机构: listed 仅限名单, accredited 凡经备案公布者。A closed list, or whoever the registry has accredited."""

    rule: ProviderRule
    modes: tuple[Mode, ...] = ()
    list: tuple[ListedProvider, ...] = ()

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for each mode."""
        yield from by_mode("providers", self.modes, self)


class Prerequisite(Part, frozen=True):
    """补学前提: 该年度此科目已达到的学分。What the account must hold in a category before it may be made up."""

    category: CategoryPath
    minimum: Credits
    clause: ClauseId | None = None


MakeUpCondition = Literal["special_reason", "shortfall", "enrolled", "paid"]
"""Who may make up: with a special reason (A-06), who fell short in the year itself, who had enrolled, or paid, in time."""


class MakeUpRequirement(Part, frozen=True):
    """补学达标学分: 补学后该年度按此标准判断, 不写则按该年度原标准 (A-08)。What makes up the year, where it is another."""

    total: Credits
    categories: Annotated[dict[CategoryPath, Credits], Meta(min_length=1)] | None = None


class MakeUpWindow(Part, frozen=True, rename={"since": "from"}):
    """补学窗口: 途径、起止日、机构、范围。A time in which a past year may be made up, and how.

    Without a start it opens the day after the year's own window, or with the notice if that is later (B-08); without an
    end it stays open. `providers_of` names the clause of the same notice whose list applies (B-03). All `conditions` must
    hold; with `once` a year that another window was used for is not made up again; `fee` in yuan is shown.
    """

    channel: Literal["automatic", "application"]
    since: OpeningDay | None = None
    until: OpeningDay | None = None
    act: Literal["study", "register"] = "study"
    modes: tuple[Mode, ...] = ()
    categories: tuple[CategoryPath, ...] = ()
    prerequisite: Prerequisite | None = None
    conditions: tuple[MakeUpCondition, ...] = ()
    once: bool = False
    fee: Credits | None = None
    requirement: MakeUpRequirement | None = None
    providers: ProviderRule = "accredited"
    providers_of: ClauseId | None = None
    registration: RegistrationMoment | None = None


class MakeUp(Rule, frozen=True, tag="make_up"):
    """补学: 哪些年度, 哪些窗口; never 表示不组织补学 (C-04: 以后的通知仍可开放)。Which past years may be made up."""

    years: Years
    windows: tuple[MakeUpWindow, ...] = ()
    never: bool = False

    def settings(self) -> Iterator[tuple[str, Any]]:
        """None: windows of several notices stand beside each other, see `make_up.py`."""
        yield from ()


class Disqualification(Rule, frozen=True, tag="disqualification"):
    """取消培训资格: 自生效日起完成的学习不予登记。Completions on or after the date are refused (A-12)."""

    published: bool = True
    completions: Literal["refused_from_date"] = "refused_from_date"


class Precondition(Rule, frozen=True, tag="precondition"):
    """前提: 完成信息采集后方可学习或登记。A person must be collected first (B-19)."""

    collected_in: Text
    before: Literal["study", "registration"]
    address: Text | None = None
