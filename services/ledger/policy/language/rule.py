"""The base of all rules, and the values they are written with; the YAML files and the JSON Schema follow from here.

Each rule settles one or more named settings, and `settings()` lists them: a later notice, or one of a nearer place,
overrides setting by setting.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct

from services.ledger.policy.language.facts import CATEGORY_PATTERN

Credits = Annotated[
    Decimal, Meta(description="学分数: 整数, 或至多两位小数的十进制字符串。Credits, e.g. 90 or '89.5'.")
]
Mode = Annotated[
    str,
    Meta(
        pattern="^[a-z][a-z_]{0,39}$",
        description="学习方式: online 网络, face_to_face 面授, equivalence 视同/折算, other 其他方式。A mode of study.",
    ),
]
Code = Annotated[
    str, Meta(pattern="^[a-z][a-z0-9_]{0,59}$", description="代码, 小写英文。A code in lower case.")
]
CategoryPath = Annotated[
    str,
    Meta(
        pattern=f"^(?!(?:any|total)(?:/|$)){CATEGORY_PATTERN[1:]}$",
        description="科目代码, 下级用 / 隔开, 如 professional, professional/ethics。A category, nested by slashes.",
    ),
]
CategoryRoot = Annotated[
    str,
    Meta(
        pattern="^(?!(?:any|total)$)[a-z][a-z0-9_]{0,39}$",
        description="一级科目代码, 如 professional, public。A category of the first level.",
    ),
]
CourseCode = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="课程编号。A course as its provider codes it.",
    ),
]
Text = Annotated[str, Meta(min_length=1, max_length=1000)]
Adcode = Annotated[str, Meta(pattern="^[1-9][0-9]{5}$", description="行政区划代码 (GB/T 2260)。")]
Day = Annotated[
    str,
    Meta(
        pattern="^(?:Y(?:[+-][0-9]{1,2})?|[0-9]{4})-[0-9]{2}-(?:[0-9]{2}|end)$",
        description="日期, 如 2025-01-31; 或相对年度, 如 Y-01-01, Y+1-02-end (月末)。A date, or one of the credit year Y.",
    ),
]
MonthDay = Annotated[str, Meta(pattern="^[0-9]{2}-[0-9]{2}$", description="每年的月-日, 如 12-15。")]
YEAR_MIN, YEAR_MAX = 1990, 2200
YearNumber = Annotated[int, Meta(ge=YEAR_MIN, le=YEAR_MAX)]
ClauseId = Annotated[
    str,
    Meta(pattern="^[A-Z][A-Z0-9]{0,9}-[0-9]{2,3}[a-z]?$", description="条款编号, 如 S0-10。The clause's id."),
]
_DAY = "(?:Y(?:[+-][0-9]{1,2})?|[0-9]{4})-[0-9]{2}-(?:[0-9]{2}|end)"
OpeningDay = Annotated[
    str,
    Meta(
        pattern=rf"^(?:{_DAY}|issue\+[0-9]{{1,3}}d)$",
        description="日期, 或 Y-01-01, 或印发后若干天 issue+30d。A date, one relative to the year, or days after the issue.",
    ),
]
ClosingDay = Annotated[
    str,
    Meta(
        pattern=rf"^(?:{_DAY}|(?:issue|enrolment|completion)\+[0-9]{{1,3}}d)$",
        description="同上; 或报名、学完后若干天 enrolment+180d。Likewise, or days after the enrolment, or the completion.",
    ),
]
Act = Literal["study", "register", "enrol", "pay", "apply"]
Tier = Literal["junior", "intermediate", "senior"]
ProviderRule = Literal["listed", "accredited"]
Need = Literal["exam", "evaluation", "total"]
RegistrationMoment = Literal["study", "exam", "evaluation", "total"]
Reporter = Literal["provider", "employer", "person", "authority", "collective"]
"""`person` applies alone, `collective` is an employer's application for many; the others report or list."""


class Part(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A part of a rule. Fields at their default are left out of the canonical form, so new ones change no hash."""


class Years(Part, frozen=True, rename={"first": "from", "last": "to"}):
    """A range of credit years, both ends included; an open end is left out."""

    first: YearNumber | None = None
    last: YearNumber | None = None

    def __contains__(self, year: int) -> bool:
        return (self.first is None or self.first <= year) and (self.last is None or year <= self.last)


class Rule(Part, frozen=True, tag_field="kind"):
    """What a clause settles. `settings` yields pairs of a setting's name and its value."""

    def settings(self) -> Iterator[tuple[str, object]]:
        """One setting, named for the kind, unless a kind says otherwise."""
        tag = self.__struct_config__.tag
        yield str(tag), self

    @property
    def target(self) -> "Part | None":
        """Of which credits and persons the rule is asked; None where of all (see `target.py`)."""
        return None

    def is_empty(self) -> bool:
        """Whether the rule says nothing."""
        return not any(True for _ in self.settings())


def by_mode(name: str, modes: tuple[str, ...], value: object) -> Iterator[tuple[str, object]]:
    """The setting for each mode named, or for every mode (`*`) when none is."""
    for mode in modes or ("*",):
        yield f"{name}.{mode}", value
