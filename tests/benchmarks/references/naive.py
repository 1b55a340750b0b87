"""A naive route: FastAPI and SQLAlchemy, one request, one session, one commit; it writes the same rows as the ledger.

It trusts what is posted: no token, no policy, no provider, no keyed hashes, no profile; the database's unique keys are
its only guard, and its positions come from a sequence.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from pydantic import BaseModel
from sqlalchemy import DateTime, LargeBinary, Sequence
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tests.benchmarks import crowd

_POSITIONS = Sequence("positions", schema="ledger")


class Base(DeclarativeBase):
    __table_args__ = {"schema": "ledger"}  # noqa: RUF012 - SQLAlchemy's own way


class EventRow(Base):
    __tablename__ = "events"

    log: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(_POSITIONS, primary_key=True)
    stream_id: Mapped[str]
    version: Mapped[int]
    topic: Mapped[str]
    state: Mapped[bytes] = mapped_column(LargeBinary)
    identity: Mapped[str | None]
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class AccountRow(Base):
    __tablename__ = "accounts"

    log: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    state: Mapped[bytes] = mapped_column(LargeBinary)


class Person(BaseModel):
    id_type: str
    id_number: str
    name: str


class Completion(BaseModel):
    id: str
    person: Person
    year: int
    category: str
    credits: str
    mode: str
    course: str
    title: str
    completed_at: datetime


class Batch(BaseModel):
    records: list[Completion]


engine = create_async_engine(os.environ["BENCH_DATABASE_URL"], pool_size=20, max_overflow=44)
Session = async_sessionmaker(engine, expire_on_commit=False)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield
    await engine.dispose()


async def session() -> AsyncIterator[AsyncSession]:
    async with Session() as opened:
        yield opened


app = FastAPI(lifespan=lifespan)


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/v1/completions")
async def report_completions(
    batch: Batch, session: Annotated[AsyncSession, Depends(session)]
) -> dict[str, Any]:
    """Register each record and commit it."""
    for record in batch.records:
        await _register(session, record)
    answers = [{"id": record.id, "outcome": "registered"} for record in batch.records]
    return {"results": answers, "summary": {"registered": len(answers)}}


async def _register(session: AsyncSession, record: Completion) -> None:
    person_id = record.person.id_number
    now = datetime.now(UTC)
    account = await session.get(AccountRow, (crowd.LOG, person_id, record.year), with_for_update=True)
    if account is None:
        empty = json.dumps({"person_id": person_id, "year": record.year, "credits": []}).encode()
        account = AccountRow(log=crowd.LOG, person_id=person_id, year=record.year, version=0, state=empty)
        session.add(account)
    credit = {
        "credit_id": f"{crowd.LOG}-{record.id}",
        "category": record.category,
        "credits": record.credits,
        "mode": record.mode,
        "provider": crowd.ORGANIZATION,
        "completed_at": record.completed_at.isoformat(),
        "registered_at": now.isoformat(),
        "completion_id": record.id,
        "course": record.course,
    }
    state = json.loads(account.state)
    state["credits"].append(credit)
    account.state = json.dumps(state).encode()
    account.version += 1
    session.add(
        EventRow(
            log=crowd.LOG,
            stream_id=f"account:{person_id}:{record.year}",
            version=account.version,
            topic="ledger.CreditEarned",
            state=json.dumps({**credit, "title": record.title, "year": record.year}).encode(),
            identity=f"completion:{crowd.ORGANIZATION}:{record.id}",
            recorded_at=now,
        )
    )
    await session.commit()
