"""Real facts as digests: what makes two reports about a person the same fact is year, form and evidence key, digested under
the deployment's key. One real fact counts once for a person, whatever the route (A-15), and whichever of two profiles of
theirs it was reported to: a digest says nothing of the person."""

import hashlib
import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import ClassVar

from services.kit.errors import Problem
from services.ledger.policy import Account


class FactUnclearError(Problem):
    """The evidence key that the form asks for is missing: it tells one real fact from another (A-15)."""

    code: ClassVar[str] = "fact-unclear"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "缺少用于区分事项的信息"
    title_en: ClassVar[str] = "What tells this fact from another is missing"


class FactCountedError(Problem):
    """The same real fact has been registered, or is claimed already: a duplicate, of which `credit_id` or `claim_id` names
    the first (A-15)."""

    code: ClassVar[str] = "fact-counted"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "同一事项已登记或正在申请"
    title_en: ClassVar[str] = "The same fact is registered or claimed already"


DAY = "day"
"""Among the keys of a form: its days are facts of their own, so that what was attended on another day of the same training
is another fact (A-15)."""
FACT_KEYS: Mapping[str, tuple[str, ...]] = {
    "exam_subject": ("exam", "subject", "sitting"),
    "admission": ("exam", "sitting"),
    "degree_course": ("school", "course", "term"),
    "research": ("project_number",),
    "paper": ("cn_number", "issue", "title"),
    "book": ("isbn",),
    "conference": ("organiser", "title", DAY),
    "finance_training": ("organiser", "title", DAY),
    "contest": ("organiser", "title"),
    "authority_training": ("organiser", "title", DAY),
    "association_training": ("organiser", "title", DAY),
    "public_hours": ("source",),
    "study": ("provider", "certificate"),
    "training": ("filing", "day"),
}
TRAINING = "training"
"""A day of a filed training, also when a claim of another form names the filing and the day."""
DAYS_MAX = 366
OTHER_KEYS = ("reference",)
"""A form of a notice that does not say by what is told apart by a reference."""


class Facts:
    """Digests facts; equal facts have equal digests, and a digest tells nothing without the key."""

    def __init__(self, key: bytes) -> None:
        self._key = key[:64]

    def digest(
        self,
        year: int,
        form: str,
        evidence: Mapping[str, str],
        days: tuple[date, date] | None = None,
        keys: tuple[str, ...] = (),
    ) -> str:
        """The digest of one fact, followed by its first and last day where days are facts of their own. `keys` are what a
        notice says tells facts of the form apart, left out where it says nothing.

        Raises FactUnclearError naming the first key that the form asks for and is missing.
        """
        if all(evidence.get(name) for name in FACT_KEYS[TRAINING]):
            form, keys = TRAINING, ()
        parts = [str(year), form]
        asked = keys_of(form, keys)
        by_day = DAY in asked and form != TRAINING
        for name in (name for name in asked if not (by_day and name == DAY)):
            value = normal(evidence.get(name, ""))
            if not value:
                raise FactUnclearError(
                    f"缺少“{name}”。",
                    f"{name} is missing.",
                    pointer=f"/fact/{name}",
                    needed=list(evidence_of(form, keys)),
                )
            parts.append(value)
        joined = "\x1f".join(parts).encode()
        digest = hashlib.blake2b(joined, key=self._key, digest_size=16).hexdigest()
        if not by_day or days is None:
            return digest
        first, last = days
        return f"{digest}.{first:%Y%m%d}.{last:%Y%m%d}"

    def training(self, year: int, filing_id: str, day: date) -> str:
        """The digest of a day at a filed training."""
        return self.digest(year, TRAINING, {"filing": filing_id, "day": day.isoformat()})


def keys_of(form: str, said: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What tells two facts of a form apart: as a notice `said`, else as is usual."""
    return said or FACT_KEYS.get(form, OTHER_KEYS)


def evidence_of(form: str, said: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The keys of the evidence that a form asks for."""
    return tuple(name for name in keys_of(form, said) if name != DAY or form == TRAINING)


def days_of(last: date, quantity: Decimal) -> tuple[date, date]:
    """The first and the last day of an activity that counts by the day and was concluded on its last: so many calendar days
    up to it."""
    days = min(max(int(quantity), 1), DAYS_MAX)
    return last - timedelta(days=days - 1), last


def is_same(one: str, other: str) -> bool:
    """Whether two digests are of the same real fact: they are equal, or of one training and share a day of it."""
    digest, *days = one.split(".")
    other_digest, *other_days = other.split(".")
    if digest != other_digest or not days or not other_days:
        return one == other
    return days[0] <= other_days[1] and other_days[0] <= days[1]


def must_be_new(account: Account, fact: str) -> None:
    """Raises FactCountedError, naming the credit, where the fact is registered in the account, by whatever route."""
    for credit in account.credits:
        if credit.fact is not None and credit.state == "registered" and is_same(credit.fact, fact):
            raise FactCountedError(credit_id=credit.credit_id)


def identity_in(account: Account, fact: str) -> str:
    """The identity under which a fact may be registered in an account now, unique in the log.

    A fact whose credits were ended may be registered again, under the next number. Raises FactCountedError.
    """
    must_be_new(account, fact)
    ended = sum(credit.fact == fact for credit in account.credits)
    return f"fact:{account.person_id}:{fact}:{ended}"


def normal(value: str) -> str:
    """Words as they are compared: without width, case and space."""
    return "".join(unicodedata.normalize("NFKC", value).casefold().split())
