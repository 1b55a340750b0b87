"""Reliefs that an authority granted a person for a year: to be free of it, or more time for it (A-14); each ends by
its own day."""

from datetime import date, datetime

from services.ledger.policy.judging.policy_day import Deadline
from services.ledger.policy.language.days import ALWAYS, begins, ends, last_second
from services.ledger.policy.language.facts import Account, Deferral, Exemption


def exemption_on(account: Account | None, on: date) -> Exemption | None:
    """The exemption that holds on the day: up to its last day, that day included, or for good where it has none."""
    granted = account.exempt if account is not None else None
    if granted is None or (granted.until is not None and on > granted.until):
        return None
    return granted


def deferral_on(account: Account | None, on: date) -> Deferral | None:
    """The deferral whose new last day has not passed: until then the year is in progress, whatever its window says."""
    granted = account.deferred if account is not None else None
    return granted if granted is not None and on <= granted.until else None


def time_given(account: Account | None) -> datetime:
    """The end of the time that a deferral gives for every act of the year: to enrol and pay, to study, to apply and to
    register; before all time where there is none."""
    granted = account.deferred if account is not None else None
    return ends(granted.until) if granted is not None else ALWAYS


def deferred_deadline(deferral: Deferral, on: date) -> Deadline:
    """The deferral as a deadline beside those of the policy."""
    return Deadline(
        act="deferral",
        mode=None,
        since=deferral.granted_on,
        until=deferral.until,
        at=last_second(deferral.until),
        open=begins(on) < ends(deferral.until),
        clause=deferral.clause,
    )
