"""A provider's batch: split by log, each part decided and stored on its own, the answers put back in order."""

import asyncio
import time
from collections.abc import Sequence
from datetime import date

import msgspec

from contracts.divisions import AUTHORITIES, authority_of, is_known
from contracts.identifiers import IdentifierProblem, IdType, check_id_number
from services.kit.budgets import Budgets
from services.kit.clock import Clock, local_date
from services.kit.database import Databases
from services.kit.errors import OutcomeUnknownError, Problem
from services.kit.pydantic_models import view
from services.kit.records import Batch, InvalidRecord
from services.ledger.intake.intake import Intake, Work, failure_of
from services.ledger.intake.posted_completions import PostedCompletions
from services.ledger.intake.records import Completion, Enrolment, ExamPass, Prepared, Preparer, Record
from services.ledger.intake.schemas import Decided, Outcome, Present
from services.ledger.streams.problems import (
    AmountUnclearError,
    AuthorityUnclearError,
    ImplausibleIdentityError,
    MomentImplausibleError,
    PersonalDataError,
    UnknownPlaceError,
)
from services.ledger.streams.provider import Provider
from services.ledger.web import REPORTS, WAITING_FOR_A_PERSON

_ACCREDITED = """
select log, state from providers where log = any($1::text[]) and organization_id = $2
"""
_SOLE_AUTHORITY_SECONDS = 5.0
_ID_TYPES = {each.value: each for each in IdType}
_MOMENTS: dict[type[Record], tuple[str, ...]] = {
    Completion: ("completed_at", "exam_passed_at", "evaluated_at", "started_on"),
    Enrolment: ("enrolled_on", "paid_on"),
    ExamPass: ("passed_at",),
}
_KEPT: dict[type[Record], tuple[str, ...]] = {
    Completion: ("id", "course", "title"),
    Enrolment: ("id",),
    ExamPass: ("id",),
}
"""What of a record is text of the provider's own and goes into events, beside the person's hashes."""
_NUMBER_LENGTH_MIN = 8
"""A shorter number may stand in an id by chance."""
_decode_provider = msgspec.json.Decoder(Provider).decode


class Reporter:
    """Takes batches in for the ledger's intake."""

    def __init__(
        self,
        intake: Intake,
        posted: PostedCompletions,
        databases: Databases,
        preparer: Preparer,
        budgets: Budgets,
        clock: Clock,
    ) -> None:
        self._posted = posted
        self._budgets = budgets
        self._intake = intake
        self._databases = databases
        self._preparer = preparer
        self._clock = clock
        self._sole: dict[str, tuple[float, str | None]] = {}

    async def report(
        self, provider_id: str, batch: Batch[Record], signature: str | None = None
    ) -> list[Decided]:
        """The outcome of every record, in the order posted. Nothing raises for one record, or for one log of several.

        Raises OutcomeUnknownError when nothing is known of any record: there is no answer then, only a time to ask again.
        """
        answers: list[Decided | None] = [None] * len(batch.records)
        parts: dict[str, tuple[list[int], list[Prepared]]] = {}
        default = await self._default_log(provider_id, batch)
        today = local_date(self._clock())
        for index, item in enumerate(batch.records):
            try:
                record, log = self._checked(item, default, today)
            except Problem as problem:
                answers[index] = _refused(item, index, problem)
                continue
            places, prepared = parts.setdefault(log, ([], []))
            places.append(index)
            prepared.append(self._preparer.prepare(provider_id, record, signature))
        await asyncio.gather(
            *(
                self._report_part(log, places, Work(provider_id, prepared), answers)
                for log, (places, prepared) in parts.items()
            )
        )
        decided = [answer for answer in answers if answer is not None]
        if decided and all(answer.outcome.outcome == "unknown" for answer in decided):
            raise OutcomeUnknownError
        misses = sum(answer.outcome.reason in WAITING_FOR_A_PERSON for answer in decided)
        await self._budgets.spend(REPORTS, provider_id, misses)
        return decided

    async def _report_part(
        self, log: str, places: Sequence[int], work: Work, answers: list[Decided | None]
    ) -> None:
        """Hand one log's part over; when its outcome is unknown every record of it says so, and how to ask again."""
        try:
            decided: Sequence[Decided] = await self._intake.report(log, work)
            await self._say_where_repeats_stand(log, work, decided)
        except Exception as error:
            if not failure_of(error):
                raise
            decided = [
                Decided(
                    Outcome(id=record.record.id, outcome="unknown", log=log),
                    refusal=OutcomeUnknownError(),
                )
                for record in work.records
            ]
        for place, answer in zip(places, decided, strict=True):
            answers[place] = answer

    async def _say_where_repeats_stand(self, log: str, work: Work, decided: Sequence[Decided]) -> None:
        """Whoever posts a completion again, unsure of what became of it, is told where it stands now."""
        repeats = {
            prepared.identity: answer.outcome
            for prepared, answer in zip(work.records, decided, strict=True)
            if answer.outcome.first is not None and prepared.kind == Completion.KIND
        }
        if not repeats:
            return
        posted = await self._posted.of_identities(log, list(repeats))
        for identity, outcome in repeats.items():
            outcome.present = view(Present, posted[identity])

    def _checked(self, item: Record | InvalidRecord, default: str | None, today: date) -> tuple[Record, str]:
        if isinstance(item, InvalidRecord):
            raise item.problem
        person = item.person
        fault = check_id_number(_ID_TYPES[person.id_type], person.id_number, on=today)
        if fault is not None:
            raise _implausible(fault)
        if isinstance(item, Completion) and (item.credits is None) == (item.hours is None):
            raise AmountUnclearError(pointer="/credits")
        _check_moments(item)
        _check_kept(item)
        if item.authority is None:
            if default is None:
                raise _authority_unclear()
            return item, default
        if not is_known(item.authority):
            raise UnknownPlaceError(pointer="/authority")
        return item, authority_of(item.authority)

    async def _default_log(self, provider_id: str, batch: Batch[Record]) -> str | None:
        if all(isinstance(item, InvalidRecord) or item.authority is not None for item in batch.records):
            return None
        return await self._accredited_log(provider_id)

    async def sole_log(self, provider_id: str) -> str:
        """The log of the provider's only accreditation. Raises AuthorityUnclearError when there is none, or several."""
        log = await self._accredited_log(provider_id)
        if log is None:
            raise _authority_unclear()
        return log

    async def _accredited_log(self, provider_id: str) -> str | None:
        known = self._sole.get(provider_id)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        logs = []
        for database, there in self._databases.grouped(AUTHORITIES).items():
            async with database.acquire() as conn:
                rows = await conn.fetch(_ACCREDITED, there, provider_id)
            logs += [log for log, state in rows if _decode_provider(state).accreditations]
        sole = logs[0] if len(logs) == 1 else None
        self._sole[provider_id] = (time.monotonic() + _SOLE_AUTHORITY_SECONDS, sole)
        return sole


def _authority_unclear() -> AuthorityUnclearError:
    return AuthorityUnclearError(
        "该机构未备案或在多地备案，请写明登记地的行政区划代码。",
        "The provider has no accreditation or several: name the authority's code.",
        pointer="/authority",
    )


def _check_moments(record: Record) -> None:
    """Refuse years that no study can have: arithmetic on time zones fails at the ends of the calendar."""
    for name in _MOMENTS[type(record)]:
        moment = getattr(record, name)
        if moment is not None and not 1990 <= moment.year <= 2101:
            raise MomentImplausibleError(pointer=f"/{name}")


def _check_kept(record: Record) -> None:
    """Refuse a record that would carry its person's number or name into the log: no event may hold either."""
    number, name = record.person.id_number.upper(), record.person.name
    long_number = len(number) >= _NUMBER_LENGTH_MIN
    # A Latin name may be part of a word by chance.
    telling_name = len(name) > 1 and not name.isascii()
    fields = _KEPT[type(record)]
    texts: list[str] = [getattr(record, field) or "" for field in fields]
    # All of them at once: neither a number nor a name holds the sign between them.
    if not _stands_in("\n".join(texts), number if long_number else None, name if telling_name else None):
        return
    for field, text in zip(fields, texts, strict=True):
        if _stands_in(text, number if long_number else None, name if telling_name else None):
            raise PersonalDataError(pointer=f"/{field}")


def _stands_in(text: str, number: str | None, name: str | None) -> bool:
    return (number is not None and number in text.upper()) or (name is not None and name in text)


def _implausible(fault: IdentifierProblem) -> ImplausibleIdentityError:
    return ImplausibleIdentityError(
        f"证件号码：{fault.text_zh}。", f"The ID number: {fault.text_en}.", pointer="/person/id_number"
    )


def _refused(item: Record | InvalidRecord, index: int, problem: Problem) -> Decided:
    """A record refused at the door; its id is repeated, so that whoever posted it finds it, unless the id names somebody."""
    record_id = item.record_id if isinstance(item, InvalidRecord) else item.id
    if isinstance(problem, PersonalDataError):
        record_id = None
    if problem.pointer is not None and not problem.pointer.startswith("/records/"):
        problem.pointer = f"/records/{index}{problem.pointer}"
    return Decided(Outcome(id=record_id, outcome="rejected"), refusal=problem)
