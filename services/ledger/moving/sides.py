"""Which authority judges which year of somebody who moves: a year whose window had closed at the origin stays there, an
open one goes with the person (A-13, B-12)."""

from datetime import datetime
from typing import Literal

from services.kit.clock import local_date
from services.ledger.accounts.profile import Profile
from services.ledger.policy import Policy

Side = Literal["here", "moved", "elsewhere"]
"""Who judges a year of a profile: this log, the place the person left for, or an authority they came from."""


def has_closed(policy: Policy | None, moment: datetime) -> bool:
    """Whether the year's study was over at a moment; a year without a policy is nobody's to judge, and moves.

    A year that only a make-up clause names has no window of its own: it closes with the calendar year.
    """
    if policy is None:
        return False
    return policy.study_ends <= moment if policy.ordinary else local_date(moment).year > policy.year


def side_of(profile: Profile, year: int, policy: Policy | None) -> Side:
    """Who judges the year, for a profile that may have arrived, or left; `policy` is the year's where the profile was."""
    if profile.judgement(year) is not None:
        return "elsewhere"
    if profile.left is None:
        return "here"
    if year in profile.left.years or not has_closed(policy, profile.left.left_at):
        return "moved"
    return "here"
