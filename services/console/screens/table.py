"""The table of screens, in the order of the menu: a new screen is a module, its templates, its words, and a line here."""

from services.console.pages import Screen
from services.console.screens import (
    audit,
    certificates,
    claims,
    figures,
    my_education,
    notices,
    people,
    provider,
    running,
    style,
    trainings,
    unit,
    work,
    years,
)  # fmt: skip

SCREENS: tuple[Screen, ...] = tuple(
    room.SCREEN
    for room in (
        my_education, claims, certificates, work, people, unit, provider, trainings, figures, notices, running, years,
        audit, style,
    )
)  # fmt: skip
