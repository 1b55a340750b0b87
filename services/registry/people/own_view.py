"""A person's own view: where each of their cases stands, in plain words (S2C-08, S2C-09)."""

from datetime import datetime
from typing import Annotated, Literal, NamedTuple
from uuid import UUID

import asyncpg
from pydantic import Field

from services.kit.audit import Audit, about
from services.kit.clock import Clock
from services.kit.database import Database
from services.kit.errors import NotFoundError
from services.kit.pydantic_models import fields_of
from services.kit.schemas import StrictModel, WholeList
from services.registry.personal_data.vault import Vault
from services.registry.store.tables import LOG
from services.registry.streams.actor import Actor
from services.registry.streams.change import sealed_field
from services.registry.worklists.schemas import Due
from services.registry.worklists.worklists import due_of


class OwnCase(StrictModel):
    """Where a case of one's own stands, in plain words."""

    case_id: str
    kind: Literal["collection", "change"]
    state: str
    submitted_at: datetime
    decided_at: datetime | None
    due: Annotated[Due | None, Field(description="The last day of the review; null once it is over.")]
    stands_zh: str
    stands_en: str
    next_zh: str | None
    next_en: str | None
    reason: str | None
    reason_zh: str | None
    reason_en: str | None


class OwnCaseInFull(OwnCase):
    """The same, with what the reviewer wrote."""

    note: str | None


class OwnCases(WholeList):
    """The caller's cases, newest first."""

    items: list[OwnCase]


class Words(NamedTuple):
    """A sentence in Chinese and in English."""

    zh: str
    en: str


STANDS: dict[tuple[str, str], Words] = {
    ("collection", "submitted"): Words(
        "您的信息已提交，正在等待初审。", "Your information was submitted and awaits its initial review."
    ),
    ("collection", "initially_passed"): Words(
        "您的信息已通过初审，正在等待复审。",
        "Your information passed its initial review and awaits the final one.",
    ),
    ("collection", "returned"): Words(
        "您的信息审核不通过，已退回。", "Your information was not accepted and was returned."
    ),
    ("collection", "collected"): Words("您的信息采集完毕。", "Your information is collected."),
    ("collection", "arriving"): Words(
        "您的档案正在从外地调入。", "Your profile is on its way here from elsewhere."
    ),
    ("collection", "dropped"): Words("外地调入未完成。", "The transfer from elsewhere came to nothing."),
    ("collection", "merged"): Words(
        "您的这份信息已并入您的另一份信息。", "This profile of yours is part of your other one now."
    ),
    ("collection", "ended"): Words("该信息采集已终止。", "This collection was ended."),
    ("collection", "erased"): Words("您的信息已删除。", "Your information was erased."),
    ("change", "submitted"): Words(
        "您的变更申请已提交，正在等待审核。", "Your change was submitted and awaits its review."
    ),
    ("change", "returned"): Words(
        "您的变更申请审核不通过，已退回。", "Your change was not accepted and was returned."
    ),
    ("change", "approved"): Words(
        "您的变更申请已通过，信息已更新。", "Your change was approved and is on record."
    ),
    ("change", "withdrawn"): Words("您的变更申请已撤回。", "Your change was withdrawn."),
    ("change", "reversed"): Words(
        "已通过的变更被撤销，信息已恢复。",
        "The approved change was undone; what it replaced is on record again.",
    ),
}
"""How a case stands, by kind and state."""

NEXT: dict[tuple[str, str], Words] = {
    ("collection", "returned"): Words(
        "请按退回原因修改后重新提交，可多次提交直至通过。",
        "Correct it as the reason says and submit it again, as often as it takes.",
    ),
    ("change", "returned"): Words(
        "请按退回原因修改后重新提交，或撤回申请。",
        "Correct it as the reason says and submit it again, or withdraw it.",
    ),
    ("collection", "collected"): Words(
        "可以登记继续教育学分；信息变化时请及时申请变更。",
        "Credits can be registered now; ask for a change when your information changes.",
    ),
    ("change", "reversed"): Words(
        "如有异议，请联系审核机关。", "Turn to the reviewing authority if you object."
    ),
}
"""What to do next, where there is something to do."""

REASONS: dict[str, Words] = {
    "information_incomplete": Words("信息填写不完整", "Information is missing"),
    "documents_unclear": Words("上传材料不清晰", "The documents cannot be read"),
    "documents_missing": Words("缺少证明材料", "A document is missing"),
    "identity_mismatch": Words("姓名或证件号码与证件不一致", "Name or number differ from the ID document"),
    "wrong_place": Words("不属于本地区受理范围", "It belongs to another place"),
    "not_in_scope": Words("不属于受理范围", "It is not in scope"),
    "approved_in_error": Words("审核有误", "It was approved in error"),
    "documents_forged": Words("证明材料不实", "A document was forged"),
    "two_persons_as_one": Words("两人信息被误并为一人", "Two persons were on record as one"),
    "not_theirs": Words("证件号码不属于所提交的人员", "The number is not that of whom it was handed in for"),
    "submitted_in_error": Words("提交有误", "It was handed in by mistake"),
    "other": Words("其他原因，见说明", "Another reason, see the note"),
}
"""Why a case was returned or undone."""


LIST_MAX = 200

_CASES = """
select 'collection' as kind, collection_id as case_id, person_id, version, place, state, submitted_at, decided_at, reason
  from collections where log = $1 and submitted_by = $2 and ($3::text is null or collection_id = $3)
 union all
select 'change', change_id, person_id, version, place, state, submitted_at, decided_at, reason
  from changes where log = $1 and submitted_by = $2 and ($3::text is null or change_id = $3)
 order by submitted_at desc, case_id limit $4
"""
_AWAITING = ("submitted", "initially_passed")


class OwnView:
    """Reads the cases that the caller handed in."""

    def __init__(self, database: Database, *, vault: Vault, audit: Audit, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._audit = audit
        self._clock = clock

    async def cases(self, by: Actor) -> list[dict[str, object]]:
        """The caller's cases, newest first, without what was written about them."""
        async with self._database.acquire() as conn:
            rows = await conn.fetch(_CASES, LOG, by.subject, None, LIST_MAX)
        for row in rows:
            about(row["person_id"], row["place"])
        return [self._told(row) for row in rows]

    async def case(self, by: Actor, case_id: UUID) -> dict[str, object]:
        """One of them, with the reviewer's note. Raises NotFoundError for a case of somebody else."""
        async with self._audit.reading(by, "own-case", case_id) as reading:
            row = await reading.conn.fetchrow(_CASES, LOG, by.subject, str(case_id), 1)
            if row is None:
                raise NotFoundError
            reading.record.about(row["person_id"], row["place"], ["note"])
            person_id = UUID(row["person_id"])
            if row["kind"] == "collection":
                note = await self._vault.open_note(reading.conn, person_id, version=row["version"])
            else:
                field = f"{sealed_field(case_id)}:note"
                note = (await self._vault.open_texts(reading.conn, person_id, [field])).get(field)
        told = row["state"] in ("returned", "reversed")
        return self._told(row) | {"note": note if told else None}

    def _told(self, row: asyncpg.Record) -> dict[str, object]:
        kind, state, reason = row["kind"], row["state"], row["reason"]
        stands, following, why = STANDS[kind, state], NEXT.get((kind, state)), REASONS.get(reason or "")
        waiting = state in _AWAITING
        return fields_of(
            OwnCase,
            dict(row),
            due=due_of(kind, row["submitted_at"], self._clock()) if waiting else None,
            stands_zh=stands.zh,
            stands_en=stands.en,
            next_zh=following and following.zh,
            next_en=following and following.en,
            reason_zh=why and why.zh,
            reason_en=why and why.en,
        )
