"""What is known of a person without naming them: the facts that events carry and others follow.

Names, numbers, contact, education and certificates are personal and stay in the vault.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

JOBS = (
    "cashier",
    "audit",
    "assets_liabilities_equity",
    "income_expense",
    "results",
    "reporting",
    "supervision",
    "archives",
    "other",
)
"""The nine kinds of accounting jobs (财会〔2018〕33号): 出纳, 稽核, 资产负债和所有者权益核算, 收入费用核算, 财务成果核算,
财务会计报告编制, 会计监督, 会计机构内会计档案管理, 其他."""

LEVELS = ("junior", "intermediate", "senior", "advanced_senior")
"""初级, 中级, 高级, 正高级, lowest first."""


@dataclass(frozen=True)
class Qualification:
    """An accounting qualification (会计专业技术资格) and the day it was obtained."""

    level: str
    obtained_on: date


@dataclass(frozen=True)
class Profile:
    """Place of work, employer, and the two grounds of obligation, each with its date (S0-03, S2C-03)."""

    name_hash: str
    place: str
    employer: str | None = None
    student: bool = False
    student_since: date | None = None
    qualifications: tuple[Qualification, ...] = ()
    jobs: tuple[str, ...] = ()
    working_since: date | None = None
    left_on: date | None = None
    retired_on: date | None = None

    @property
    def first_qualification(self) -> Qualification | None:
        """The one obtained first, from which the duty is counted (S0-04)."""
        return min(self.qualifications, key=lambda each: (each.obtained_on, each.level), default=None)

    @property
    def highest_level(self) -> str | None:
        """The highest level held, by which courses are tiered (S1-08)."""
        return max((each.level for each in self.qualifications), key=LEVELS.index, default=None)


def facts_of(profile: Profile) -> dict[str, Any]:
    """The profile as an event stores it."""
    return vars(profile) | {
        "qualifications": [dict(vars(each)) for each in profile.qualifications],
        "jobs": list(profile.jobs),
    }


def profile_of(facts: dict[str, Any]) -> Profile:
    """The profile that an event stored."""
    qualifications = tuple(Qualification(**each) for each in facts["qualifications"])
    return Profile(**facts | {"qualifications": qualifications, "jobs": tuple(facts["jobs"])})
