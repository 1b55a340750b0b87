"""Real facts as digests: what makes two reports the same fact is person, year, form and evidence key, digested under the
deployment's key. One real fact counts once, whatever the route (A-15)."""

import hashlib
import unicodedata
from collections.abc import Mapping
from datetime import date
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
    """The same real fact has been registered, or is claimed already; `credit_id` or `claim_id` names it (A-15)."""

    code: ClassVar[str] = "fact-counted"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "同一事项已登记或正在申请"
    title_en: ClassVar[str] = "The same fact is registered or claimed already"


FACT_KEYS: Mapping[str, tuple[str, ...]] = {
    "exam_subject": ("exam", "subject", "sitting"),
    "admission": ("exam", "sitting"),
    "degree_course": ("school", "course", "term"),
    "research": ("project_number",),
    "paper": ("cn_number", "issue", "title"),
    "book": ("isbn",),
    "conference": ("organiser", "title"),
    "finance_training": ("organiser", "title"),
    "contest": ("organiser", "title"),
    "association_training": ("organiser", "title"),
    "public_hours": ("source",),
    "study": ("provider", "certificate"),
    "training": ("filing", "day"),
}
TRAINING = "training"
"""A day of a filed training, also when a claim of another form names the filing and the day."""
OTHER_KEYS = ("reference",)
"""A form of a notice of its own is told apart by a reference."""


class Facts:
    """Digests facts; equal facts have equal digests, and a digest tells nothing without the key."""

    def __init__(self, key: bytes) -> None:
        self._key = key[:64]

    def digest(self, person_id: str, year: int, form: str, evidence: Mapping[str, str]) -> str:
        """The digest of one fact. Raises FactUnclearError naming the first key that the form asks for and is missing."""
        if all(evidence.get(name) for name in FACT_KEYS[TRAINING]):
            form = TRAINING
        parts = [person_id, str(year), form]
        for name in FACT_KEYS.get(form, OTHER_KEYS):
            value = normal(evidence.get(name, ""))
            if not value:
                raise FactUnclearError(
                    f"缺少 {name}。",
                    f"{name} is missing.",
                    pointer=f"/fact/{name}",
                    needed=list(keys_of(form)),
                )
            parts.append(value)
        joined = "\x1f".join(parts).encode()
        return hashlib.blake2b(joined, key=self._key, digest_size=16).hexdigest()

    def training(self, person_id: str, year: int, filing_id: str, day: date) -> str:
        """The digest of one person's day at a filed training."""
        return self.digest(person_id, year, TRAINING, {"filing": filing_id, "day": day.isoformat()})


def keys_of(form: str) -> tuple[str, ...]:
    """The evidence keys that a form asks for."""
    return FACT_KEYS.get(form, OTHER_KEYS)


def identity_in(account: Account, fact: str) -> str:
    """The identity under which a fact may be registered in an account now, unique in the log.

    A fact whose credits were ended may be registered again, under the next number. Raises FactCountedError.
    """
    ended = 0
    for credit in account.credits:
        if credit.fact == fact:
            if credit.state == "registered":
                raise FactCountedError(credit_id=credit.credit_id)
            ended += 1
    return f"fact:{fact}:{ended}"


def normal(value: str) -> str:
    """Words as they are compared: without width, case and space."""
    return "".join(unicodedata.normalize("NFKC", value).casefold().split())
