"""A case as a table of steps: its guards, its states, its routes and its queue."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, Path, Query
from msgspec import Struct
from msgspec.structs import replace

from services.kit.auth import Caller
from services.kit.errors import Problem
from services.kit.events import Event
from services.kit.idempotency import CommandKey, StoredAnswer
from services.kit.openapi import describe, problems
from services.kit.review import Case, Place, Queue, Role, Step, add_queue, add_steps, cursor_of, next_of
from services.kit.routers import Router
from services.kit.schemas import StrictModel
from tests.kit.http import bearer, calling, service

NOON = datetime(2025, 6, 30, 4, tzinfo=UTC)


class LoanStateError(Problem):
    """The loan is not in a state that allows this."""

    code = "loan-state"
    status = 409
    title_zh = "借用状态不符"
    title_en = "The loan is not in this state"


class OwnLoanError(Problem):
    """Somebody decides their own loan."""

    code = "own-loan"
    status = 403
    title_zh = "不得审核本人申请"
    title_en = "Nobody decides their own"


class _Step(Event, frozen=True, kw_only=True):
    loan_id: str
    by: str
    at: datetime


class Granted(_Step, frozen=True, kw_only=True):
    """The loan was granted."""

    TOPIC = "test.LoanGranted"
    days: int


class SentBack(_Step, frozen=True, kw_only=True):
    """The loan was sent back."""

    TOPIC = "test.LoanSentBack"
    reason: str


class Withdrawn(_Step, frozen=True, kw_only=True):
    """The loan was withdrawn."""

    TOPIC = "test.LoanWithdrawn"


class Loan(Struct, frozen=True, kw_only=True):
    loan_id: str
    submitted_by: str
    submitted_at: datetime = NOON
    state: str = "submitted"
    reviewer: str | None = None
    reason: str | None = None
    decided_at: datetime | None = None
    days: int = 0


class Grant(StrictModel):
    """For how long."""

    days: int = 7


class Reason(StrictModel):
    """Why."""

    reason: str


BORROWER, LIBRARIAN = Role("loan:submit"), Role("loan:review")
LOANS: Case[Loan] = Case(
    noun="loan",
    subject=("loan_id",),
    wrong_state=lambda state: LoanStateError(state=state),
    own=OwnLoanError,
    waiting=frozenset({"submitted"}),
    steps=(
        Step(
            "withdraw",
            path="withdrawal",
            from_=frozenset({"submitted", "returned"}),
            to="withdrawn",
            by=BORROWER,
            event=Withdrawn,
            marks=("decided_at",),
            words="Take a loan back.",
            answers={"responses": problems(404, 409)},
        ),
        Step(
            "grant",
            path="grant",
            from_=frozenset({"submitted"}),
            to="granted",
            by=LIBRARIAN,
            never_own=True,
            event=Granted,
            marks=("reviewer", "reason", "decided_at", "days"),
            body=Grant,
            body_optional=True,
        ),
        Step(
            "return",
            path="return",
            from_=frozenset({"submitted"}),
            to="returned",
            by=LIBRARIAN,
            never_own=True,
            event=SentBack,
            marks=("reviewer", "reason", "decided_at"),
            body=Reason,
        ),
        Step("expire", from_=frozenset({"submitted"}), to="expired"),
    ),
)
LOAN = Loan(loan_id="l1", submitted_by="Li")


class TestGuards:
    @pytest.mark.parametrize(
        ("state", "allowed"),
        [
            ("submitted", {"withdraw", "grant", "return", "expire"}),
            ("returned", {"withdraw"}),
            ("granted", set[str]()),
        ],
    )
    def test_a_step_is_taken_from_its_states_alone(self, state: str, allowed: set[str]):
        loan = replace(LOAN, state=state)

        for step in LOANS.steps:
            if step.name in allowed:
                assert LOANS.must_allow(step.name, loan, "Wu") is step
            else:
                with pytest.raises(LoanStateError) as refused:
                    LOANS.must_allow(step.name, loan, "Wu")
                assert refused.value.extensions == {"state": state}

    def test_nobody_decides_their_own_but_whoever_submitted_may_withdraw(self):
        with pytest.raises(OwnLoanError):
            LOANS.must_allow("grant", LOAN, "Li")

        assert LOANS.must_allow("withdraw", LOAN, "Li").to == "withdrawn"

    def test_what_is_decided_is_decided_for_everybody_also_for_whoever_may_not_decide_it(self):
        with pytest.raises(LoanStateError):
            LOANS.must_allow("grant", replace(LOAN, state="granted"), "Li")

    def test_a_step_that_the_table_does_not_name_is_a_defect(self):
        with pytest.raises(KeyError):
            LOANS.must_allow("burn", LOAN, "Wu")


class TestDecisions:
    def test_a_decision_is_the_event_of_its_step(self):
        event = LOANS.decide("grant", LOAN, by="Wu", at=NOON, days=14)

        assert event == Granted(loan_id="l1", by="Wu", at=NOON, days=14)

    def test_the_case_is_what_the_step_says_afterwards(self):
        returned = LOANS.evolve(LOAN, SentBack(loan_id="l1", by="Wu", at=NOON, reason="unclear"))
        granted = LOANS.evolve(returned, Granted(loan_id="l1", by="Ma", at=NOON, days=14))

        assert (returned.state, returned.reviewer, returned.reason) == ("returned", "Wu", "unclear")
        assert granted == replace(LOAN, state="granted", reviewer="Ma", reason=None, decided_at=NOON, days=14)

    def test_what_a_step_does_not_mark_stays(self):
        returned = replace(LOAN, state="returned", reviewer="Wu", reason="unclear")

        withdrawn = LOANS.evolve(returned, Withdrawn(loan_id="l1", by="Li", at=NOON))

        assert withdrawn == replace(returned, state="withdrawn", decided_at=NOON)

    def test_another_event_changes_nothing(self):
        class Elsewhere(Event, frozen=True, kw_only=True):
            """Something that happened to somebody else."""

            TOPIC = "test.Elsewhere"

        assert LOANS.evolve(LOAN, Elsewhere()) is LOAN


class LoanLine(Struct):
    loan_id: str


class LoanPage(Struct):
    items: list[LoanLine]
    next: str | None = None


TOWN = Annotated[str, Query(pattern="^[a-z]+$")]
LOAN_ID = Annotated[str, Path(pattern=r"^l[0-9]+$")]


class Desk:
    """Loans in memory, and what was asked of them."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, str, str, Any]] = []
        self.asked: list[tuple[str | None, list[str], Place, int]] = []
        self.loans = [
            replace(LOAN, loan_id=f"l{number}", submitted_at=NOON + timedelta(hours=number))
            for number in range(3)
        ]

    async def take(
        self, step: Step, desk: "Desk", loan_id: str, caller: Caller, key: CommandKey, body: Any
    ) -> StoredAnswer:
        assert desk is self
        self.taken.append((step.name, loan_id, caller.subject, key.key, body))
        return StoredAnswer.of(200, {"state": step.to})

    async def read(
        self, desk: "Desk", caller: Caller, place: str | None, states: list[str], after: Place, limit: int
    ) -> tuple[Sequence[Loan], list[LoanLine]]:
        self.asked.append((place, states, after, limit))
        found = [loan for loan in self.loans if cursor(loan) > after][:limit]
        return found, [LoanLine(loan.loan_id) for loan in found]

    def router(self) -> Router:
        router = Router(prefix="/v1/loans")
        queue = Queue(
            page=LoanPage,
            answer_words="Loans in order.",
            words="The loans of a town.",
            cursor=cursor,
            by=LIBRARIAN,
            place=TOWN,
            limit=2,
            limit_max=10,
        )
        desk = Annotated[Desk, Depends(lambda: self)]
        add_queue(router, LOANS, queue, self.read, cases=desk)
        add_steps(router, LOANS, self.take, cases=desk, id_type=LOAN_ID)
        return router


def cursor(loan: Loan) -> Place:
    return loan.submitted_at, loan.loan_id


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(service([desk.router()]), "loan:submit", "loan:review") as client:
        yield client


KEY = {"Idempotency-Key": "k1"}


class TestRoutes:
    async def test_a_step_is_taken_with_its_body(self, desk: Desk, client: httpx.AsyncClient):
        answer = await client.post("/v1/loans/l7/return", json={"reason": "unclear"}, headers=KEY)

        assert (answer.status_code, answer.json()) == (200, {"state": "returned"})
        assert desk.taken == [("return", "l7", "client-1", "k1", Reason(reason="unclear"))]

    async def test_a_body_that_may_be_left_out_is_left_out(self, desk: Desk, client: httpx.AsyncClient):
        await client.post("/v1/loans/l7/grant", headers=KEY)
        await client.post("/v1/loans/l7/grant", json={"days": 3}, headers=KEY)

        assert [each[4] for each in desk.taken] == [None, Grant(days=3)]

    async def test_a_body_that_is_needed_is_asked_for(self, desk: Desk, client: httpx.AsyncClient):
        assert (await client.post("/v1/loans/l7/return", headers=KEY)).status_code == 422
        assert desk.taken == []

    async def test_an_id_of_another_form_is_refused(self, client: httpx.AsyncClient):
        assert (await client.post("/v1/loans/x/withdrawal", headers=KEY)).status_code == 422

    async def test_a_key_is_asked_for(self, client: httpx.AsyncClient):
        answer = await client.post("/v1/loans/l7/withdrawal")

        assert answer.json()["type"] == "urn:xuefen:problem:idempotency-key-missing"

    async def test_the_scope_of_another_role_lets_nobody_in(self, desk: Desk):
        async with calling(service([desk.router()])) as client:
            headers = KEY | bearer("loan:submit")
            answer = await client.post("/v1/loans/l7/return", json={"reason": "unclear"}, headers=headers)

        assert (answer.status_code, desk.taken) == (403, [])

    async def test_a_step_without_a_path_has_no_route(self, client: httpx.AsyncClient):
        assert (await client.post("/v1/loans/l7/expire", headers=KEY)).status_code == 404

    async def test_the_other_steps_have_none_where_only_some_are_wanted(self, desk: Desk):
        router = Router(prefix="/v1/loans")
        cases = Annotated[Desk, Depends(lambda: desk)]
        add_steps(router, LOANS, desk.take, cases=cases, id_type=LOAN_ID, only=("withdraw",))
        async with calling(service([router]), "loan:submit", "loan:review") as client:
            assert (await client.post("/v1/loans/l7/withdrawal", headers=KEY)).status_code == 200
            assert (await client.post("/v1/loans/l7/grant", headers=KEY)).status_code == 404

    def test_the_document_says_all_of_it(self, desk: Desk):
        document = describe(service([desk.router()]))
        operation = document["paths"]["/v1/loans/{loan_id}/withdrawal"]["post"]

        assert operation["operationId"] == "withdraw_loan"
        assert operation["description"] == "Take a loan back."
        assert operation["security"] == [{"oauth2": ["loan:submit"]}]
        assert {"404", "409"} <= operation["responses"].keys()
        assert document["components"]["parameters"]["IdempotencyKeyInHeader"]["required"]

    def test_the_answers_of_all_steps_and_the_name_of_the_id_are_said_once(self, desk: Desk):
        router = Router(prefix="/v1/books")
        cases = Annotated[Desk, Depends(lambda: desk)]
        add_steps(
            router,
            LOANS,
            desk.take,
            cases=cases,
            id_type=LOAN_ID,
            id_name="book",
            only=["grant", "return"],
            answers={"responses": problems(410)},
        )
        document = describe(service([router]))

        assert document["paths"].keys() == {"/v1/books/{book}/grant", "/v1/books/{book}/return"}
        assert "book" in [each["name"] for each in document["components"]["parameters"].values()]
        assert all("410" in path["post"]["responses"] for path in document["paths"].values())


class TestQueue:
    async def test_cases_come_page_by_page_in_order_of_submission(self, client: httpx.AsyncClient):
        first = (await client.get("/v1/loans", params={"place": "here"})).json()
        second = (await client.get("/v1/loans", params={"place": "here", "after": first["next"]})).json()

        assert [each["loan_id"] for each in first["items"]] == ["l0", "l1"]
        assert second == {"items": [{"loan_id": "l2"}], "next": None}

    async def test_those_that_wait_are_shown_when_no_state_is_named(
        self, desk: Desk, client: httpx.AsyncClient
    ):
        await client.get("/v1/loans", params={"place": "here"})
        await client.get("/v1/loans", params={"place": "here", "state": ["granted"]})

        assert [states for _, states, _, _ in desk.asked] == [["submitted"], ["granted"]]

    @pytest.mark.parametrize(
        "params",
        [
            {},
            {"place": "HERE"},
            {"place": "here", "limit": 11},
            {"place": "here", "limit": 0},
            {"place": "here", "state": ["submitted"] * 7},
            {"place": "here", "after": next_of((NOON, "l" * 120))},
        ],
    )
    async def test_parameters_out_of_bounds_are_refused(
        self, desk: Desk, client: httpx.AsyncClient, params: dict[str, Any]
    ):
        assert (await client.get("/v1/loans", params=params)).status_code == 422
        assert desk.asked == []

    async def test_a_cursor_that_no_page_gave_is_refused(self, client: httpx.AsyncClient):
        answer = await client.get("/v1/loans", params={"place": "here", "after": "yesterday"})

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["parameter"] == "after"

    def test_a_cursor_comes_back_as_it_was(self):
        assert cursor_of(next_of((NOON, "l~1"))) == (NOON, "l~1")

    def test_a_cursor_without_a_zone_is_a_moment_all_the_same(self):
        assert cursor_of("2025-06-30T04:00:00~l1")[0].tzinfo is UTC

    @pytest.mark.parametrize("after", ["", "2025", "9999-12-31T23:59:59-14:00~x"])
    def test_a_moment_that_is_none_is_refused(self, after: str):
        with pytest.raises(Problem):
            cursor_of(after)
