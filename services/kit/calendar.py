"""Calendar file of a deployment: holidays and swapped working days of years that the library does not know yet."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from services.kit import clock

_KEYS = {"holidays", "workdays"}
_WARN_FROM_MONTH = 11


class CalendarError(ValueError):
    """The file is no calendar; a line for every fault, each with its year and day."""


@dataclass(frozen=True)
class Calendar:
    """The years of a file, and the digest by which it is told from another."""

    years: Mapping[int, clock.AnnouncedYear]
    digest: str


def read_calendar(file: Path) -> Calendar:
    """The calendar of a YAML file: by year, `holidays` and the weekend days that are `workdays`.

    Raises CalendarError, with every fault on a line of its own, and OSError.
    """
    text = file.read_bytes()
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        raise CalendarError(f"{file.name}{line}: not YAML") from None
    if not isinstance(document, dict) or not document:
        raise CalendarError(
            f"{file.name}: years are expected, as in 2027: {{holidays: [...], workdays: [...]}}"
        )
    years, faults = {}, list[str]()
    for year, told in document.items():
        found = _faults_of(year, told)
        faults += found
        if not found:
            years[year] = clock.AnnouncedYear(
                frozenset(told["holidays"]), frozenset(told.get("workdays") or ())
            )
    if faults:
        raise CalendarError("\n".join(faults))
    return Calendar(years, hashlib.sha256(text).hexdigest())


def _faults_of(year: object, told: object) -> list[str]:
    if not isinstance(year, int) or not 2000 <= year <= 2100:
        return [f"{year}: a year is expected"]
    if not isinstance(told, dict) or not {"holidays"} <= told.keys() <= _KEYS:
        return [f"{year}: `holidays` and `workdays` are expected, and nothing else"]
    faults = []
    for name, days in told.items():
        for day in days or ():
            if type(day) is not date:
                faults.append(f"{year}: {name}: {day}: a day is expected, as in {year}-10-01")
            elif day.year != year:
                faults.append(f"{year}: {name}: {day} is in another year")
            elif name == "workdays" and day.weekday() < clock.SATURDAY:
                faults.append(f"{year}: workdays: {day} is a weekday, which is worked anyway")
    if not faults and not told["holidays"]:
        faults.append(f"{year}: holidays: none is named")
    twice = set(told["holidays"] or ()) & set(told.get("workdays") or ())
    return faults + [f"{year}: {day} is both a holiday and a working day" for day in sorted(map(str, twice))]


def missing_year(today: date) -> int | None:
    """The coming year, from 1 November on as long as nobody knows its working days; else None."""
    coming = today.year + 1
    unknown = isinstance(clock.is_working_day(date(coming, 1, 4)), clock.UnknownYear)
    return coming if today.month >= _WARN_FROM_MONTH and unknown else None
