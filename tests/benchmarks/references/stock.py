"""The stock application of the eventsourcing library behind FastAPI: synchronous, one aggregate for each account.

It trusts what is posted: no token, no policy, no provider, no keyed hashes; a record is recognised by its id.
"""

import os
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import Aggregate, event
from fastapi import FastAPI
from pydantic import BaseModel


class Person(BaseModel):
    id_type: str
    id_number: str
    name: str


class Completion(BaseModel):
    id: str
    person: Person
    year: int
    category: str
    credits: Decimal
    mode: str
    course: str
    title: str
    completed_at: datetime


class Batch(BaseModel):
    records: list[Completion]


class Account(Aggregate):
    """One person's year."""

    @event("Opened")
    def __init__(self, person: str, year: int) -> None:
        self.person = person
        self.year = year
        self.credits: dict[str, Decimal] = {}

    @staticmethod
    def create_id(person: str, year: int) -> UUID:
        return uuid5(NAMESPACE_URL, f"{person}:{year}")

    @event("CreditEarned")
    def earn(
        self,
        *,
        completion_id: str,
        category: str,
        credits: Decimal,
        mode: str,
        course: str,
        title: str,
        completed_at: datetime,
    ) -> None:
        self.credits[completion_id] = credits


class Credits(Application[UUID]):
    """Registers completions."""

    def open(self, persons: list[str], year: int) -> None:
        self.save(*(Account(person, year) for person in persons))

    def report(self, batch: Batch) -> list[dict[str, Any]]:
        """Every account is loaded, and all are saved in one transaction."""
        accounts: dict[UUID, Account] = {}
        answers = []
        for record in batch.records:
            account_id = Account.create_id(record.person.id_number, record.year)
            account = accounts.get(account_id)
            if account is None:
                account = accounts[account_id] = self._get(account_id, record)
            known = record.id in account.credits
            if not known:
                account.earn(
                    completion_id=record.id,
                    category=record.category,
                    credits=record.credits,
                    mode=record.mode,
                    course=record.course,
                    title=record.title,
                    completed_at=record.completed_at,
                )
            answers.append({"id": record.id, "outcome": "duplicate" if known else "registered"})
        self.save(*accounts.values())
        return answers

    def _get(self, account_id: UUID, record: Completion) -> Account:
        try:
            account: Account = self.repository.get(account_id)
        except AggregateNotFoundError:
            account = Account(record.person.id_number, record.year)
        return account


application = Credits(env=dict(os.environ))
app = FastAPI()


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/open")
def open_accounts(persons: list[str]) -> dict[str, int]:
    """Open accounts before the measuring starts, so that each completion costs one event, as in the ledger."""
    application.open(persons, 2025)
    return {"opened": len(persons)}


@app.post("/v1/completions")
def report_completions(batch: Batch) -> dict[str, Any]:
    answers = application.report(batch)
    registered = sum(answer["outcome"] == "registered" for answer in answers)
    return {"results": answers, "summary": {"registered": registered}}
