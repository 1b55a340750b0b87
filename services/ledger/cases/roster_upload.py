"""Decisions on the rows of one upload: pure, over the state of the filing's log."""

from collections.abc import Sequence

from services.kit.errors import Problem, problem_body
from services.ledger.cases.commands import UploadRoster
from services.ledger.cases.roster_registry import Registrar
from services.ledger.cases.roster_rows import PreparedRow, differing, refused
from services.ledger.cases.views import RowAnswer
from services.ledger.store.unit import LedgerUnit
from services.ledger.streams.filing import TrainingFiling
from services.ledger.streams.problems import RecordConflictError
from services.ledger.streams.roster import Roster, RosterRow


class Uploading:
    """Decides the rows of one upload one after another."""

    def __init__(
        self,
        unit: LedgerUnit,
        registrar: Registrar,
        command: UploadRoster,
        filing: TrainingFiling,
        before: Sequence[Roster],
        organization_id: str,
        employer: str | None,
    ) -> None:
        self._unit = unit
        self._registrar = registrar
        self._command = command
        self._filing = filing
        self._employer = employer
        self._known = {
            row.row_id: (roster.roster_id, row)
            for roster in before
            if roster.organization_id == organization_id
            for row in roster.rows
        }
        self.faulty = False

    def decide(self, prepared: Sequence[PreparedRow]) -> tuple[list[RowAnswer], list[RosterRow]]:
        """An answer for every row, and the rows to be stored; `faulty` is then whether one cannot be taken."""
        answers, rows = [], []
        for index, item in enumerate(prepared):
            answer = self._one(item, index)
            answers.append(answer)
            if answer.outcome in ("accepted", "held") and item.row is not None:
                rows.append(item.row)
        self.faulty = any(answer.outcome in ("conflict", "rejected") for answer in answers)
        return answers, rows

    def _one(self, item: PreparedRow, index: int) -> RowAnswer:
        if item.row is None:
            return self._refused(item)
        known = self._known.get(item.row.row_id)
        if known is not None:
            return self._repeated(item, item.row, index, *known)
        try:
            reason = self._registrar.preview(self._filing, item.row, self._employer)
        except Problem as problem:
            return self._refused(refused(self._command.table, index, item.row_id, problem))
        if reason is not None:
            clause = self._registrar.hold_clause(self._filing, reason)
            return RowAnswer(row=item.number, id=item.row_id, outcome="held", reason=reason, clause=clause)
        return RowAnswer(row=item.number, id=item.row_id, outcome="accepted")

    def _repeated(
        self, item: PreparedRow, row: RosterRow, index: int, roster_id: str, first: RosterRow
    ) -> RowAnswer:
        differs = () if first.content == row.content else differing(first, row, item.also)
        if not differs:
            return RowAnswer(row=item.number, id=item.row_id, outcome="duplicate", roster_id=roster_id)
        names = ", ".join(differs)
        problem = RecordConflictError(
            f"与首次提交的内容不同：“{names}”。",
            f"Differs from what was first uploaded in: {names}.",
            pointer=differs[0],
            differs=list(differs),
        )
        answer = self._refused(refused(self._command.table, index, item.row_id, problem))
        answer.outcome, answer.roster_id = "conflict", roster_id
        return answer

    def _refused(self, item: PreparedRow) -> RowAnswer:
        assert item.problem is not None, "a row is taken or refused"
        return RowAnswer(
            row=item.number,
            id=item.row_id,
            outcome="rejected",
            column=item.column,
            problem=problem_body(item.problem, self._command.language),
        )
