"""A person's identity, which stays in the vault, and their profile: what events carry of them without naming them.

Names, numbers, contact, education and certificates are personal; a name and a number are shown masked to whoever may
know that they are there, but has not said why they need them.
"""

from dataclasses import dataclass, replace
from datetime import date
from hashlib import blake2b
from typing import Any, get_args

from contracts.registry import Level, Qualification

HIDDEN = "*"
HEAD, TAIL = 6, 4
"""Of a resident ID, digits 7 to 14 (the day of birth) are hidden, and what comes before them is shown."""


def masked_name(name: str) -> str:
    """The name with its second character hidden; of a name in Latin letters each word's first letter is shown."""
    if name.isascii():
        return " ".join(word[:1] + HIDDEN * (len(word) - 1) for word in name.split())
    return HIDDEN if len(name) < 2 else name[0] + HIDDEN + name[2:]


def masked_number(number: str) -> str:
    """The number with its last four characters shown, and its first six when it is as long as a resident ID.

    Of a shorter number at least half is hidden.
    """
    if len(number) == 18:
        return number[:HEAD] + HIDDEN * (len(number) - HEAD - TAIL) + number[-TAIL:]
    tail = min(TAIL, len(number) // 2)
    return HIDDEN * (len(number) - tail) + number[len(number) - tail :]


def masked_phone(phone: str) -> str:
    """A telephone number with its last four digits shown."""
    tail = min(TAIL, len(phone) // 2)
    return HIDDEN * (len(phone) - tail) + phone[len(phone) - tail :]


FIELDS = ("id_type", "id_number", "name")


@dataclass(frozen=True)
class Identity:
    """Who somebody is: the document's type and number, and the name as on it."""

    id_type: str
    id_number: str
    name: str

    def __repr__(self) -> str:
        """Nothing: a repr ends up in logs."""
        return "Identity(…)"

    @property
    def masked_name(self) -> str:
        """The name as shown to whoever has not said why they need it."""
        return masked_name(self.name)

    @property
    def masked_number(self) -> str:
        """The number likewise."""
        return masked_number(self.id_number)


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

LEVELS = get_args(Level)


@dataclass(frozen=True)
class Profile:
    """Place of work, employer, and the two grounds of obligation, each with its date (S0-03, S2C-03).

    What notices may ask beside them: `affiliation`, whose unit the employer is, `groups` by their codes, `graduated_on`,
    and `birth_month`, the month of birth as `1990-09`.
    """

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
    affiliation: str | None = None
    groups: tuple[str, ...] = ()
    graduated_on: date | None = None
    birth_month: str | None = None

    @property
    def first_qualification(self) -> Qualification | None:
        """The one obtained first, from which the duty is counted (S0-04)."""
        return min(self.qualifications, key=lambda each: (each.obtained_on, each.level), default=None)

    @property
    def highest_level(self) -> str | None:
        """The highest level held, by which courses are tiered (S1-08)."""
        return max((each.level for each in self.qualifications), key=LEVELS.index, default=None)


def facts_of(profile: Profile) -> dict[str, object]:
    """The profile as an event stores it."""
    return vars(profile) | {
        "qualifications": [dict(vars(each)) for each in profile.qualifications],
        "jobs": list(profile.jobs),
        "groups": list(profile.groups),
    }


def profile_of(facts: dict[str, Any]) -> Profile:
    """The profile that an event stored."""
    qualifications = tuple(Qualification(**each) for each in facts["qualifications"])
    lists = {name: tuple(facts[name]) for name in ("jobs", "groups")}
    return Profile(**facts | lists | {"qualifications": qualifications})


def moved_to(profile: Profile, place: str, employer: str | None) -> Profile:
    """The profile at its new place: whoever moves names the new employer, or is a student and has none (S2C-10)."""
    student = employer is None
    since = profile.student_since if student is profile.student else None
    return replace(profile, place=place, employer=employer, student=student, student_since=since)


_CONTESTED = "contested:"


def contested_identity_of(identity_hash: str, claimant: str) -> str:
    """What a collection is stored under whose document is somebody else's: one for each claimant."""
    return contested_by(identity_hash, blake2b(claimant.encode(), digest_size=16).hexdigest())


def contested_by(identity_hash: str, claimant: str) -> str:
    """The same under another hash of the document, for the claimant that `claimant_of` names."""
    return f"{_CONTESTED}{identity_hash}:{claimant}"


def claimant_of(identity: str) -> str | None:
    """The digest of who claims somebody else's document, None for a collection that claims its own."""
    return identity.rpartition(":")[2] if is_contested(identity) else None


def is_contested(identity: str) -> bool:
    """Whether a collection claims no document, as somebody else has it."""
    return identity.startswith(_CONTESTED)


def identity_of(identity_hash: str, generation: int = 0) -> str:
    """What a document is claimed under: once for ever, or once more after a wrong claim was undone."""
    return f"person:{identity_hash}" + (f":{generation}" if generation else "")
