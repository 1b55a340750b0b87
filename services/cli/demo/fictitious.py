"""People and organizations that do not exist, with identifiers that are valid and yet can be nobody's.

A real resident ID carries the code of a county; these carry the bare code of a province (210000), under which
nobody is registered. The credit codes hold the letters XUEFEN where a register's own number stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from contracts.identifiers import uscc_check_character
from services.kit.check_digits import mod_11_2

_FIRST_BIRTHDAY = date(1965, 1, 1)
_BIRTHDAYS = 13_000
"""The youngest is born in 2000."""

_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏"
_STEMS = "甲乙丙丁戊己庚辛壬癸"
_BRANCHES = "子丑寅卯辰巳午未申酉戌亥"
_FICTITIOUS_ID = re.compile(r"(?!8)[1-7][0-9]0000[0-9]{11}[0-9Xx]", re.ASCII)


@dataclass(frozen=True)
class FictitiousPerson:
    """A name and the resident ID number that goes with it."""

    name: str
    id_number: str


def resident_id(number: int, *, province: str = "21", born: date | None = None) -> str:
    """The number-th valid resident ID of a province; without `born`, thirteen million differ."""
    if born is None:
        born = _FIRST_BIRTHDAY + timedelta(days=number % _BIRTHDAYS)
        number //= _BIRTHDAYS
    if not 0 <= number <= 999:
        raise ValueError("there are no more fictitious IDs of that day")
    body = f"{province}0000{born:%Y%m%d}{number:03d}"
    return body + mod_11_2(body)


def name(number: int) -> str:
    """The number-th name: a surname before a year of the sexagenary cycle, `赵甲子`; 1,800 differ."""
    cycle = number // len(_SURNAMES)
    return _SURNAMES[number % len(_SURNAMES)] + _STEMS[cycle % 10] + _BRANCHES[cycle % 12]


def person(number: int, *, province: str = "21") -> FictitiousPerson:
    """The number-th person of a province."""
    return FictitiousPerson(name(number), resident_id(number, province=province))


def uscc(number: int, *, province: str = "21") -> str:
    """The number-th valid unified social credit code of a province, of 1,000."""
    if not 0 <= number <= 999:
        raise ValueError("there are no more fictitious credit codes")
    body = f"91{province}0000XUEFEN{number:03d}"
    return body + uscc_check_character(body)


def is_fictitious(id_number: str) -> bool:
    """Whether a resident ID can be nobody's: the house rules refuse any other in this repository."""
    return _FICTITIOUS_ID.fullmatch(id_number) is not None
