"""Of two commands that cannot both stand, one is refused, also when they come at the same moment."""

import asyncio
from itertools import combinations_with_replacement

import pytest

from services.transfer.application import OPEN_TRANSFER
from tests.kit.races import declared_questions
from tests.transfer.process.journeys import arrival_of, received
from tests.transfer.scenarios import DALIAN, LONGCHENG, TAIYUAN
from tests.transfer.world import CLERK, DESTINATION, FAR_DESK, ORIGIN, World, code, request_body

WAYS = {"within": LONGCHENG, "out": TAIYUAN, "out and suspended": DALIAN}
"""Where a request may lead: each is a case of its own, and stored in a stream of its own."""

REFUSED = {"reason": "other"}
DECISIONS = {
    "requested": {"acceptance": ORIGIN, "refusal": ORIGIN, "withdrawal": CLERK},
    "accepted": {"approval": DESTINATION, "refusal": DESTINATION},
    "received": {"approval": FAR_DESK, "refusal": FAR_DESK},
}
"""What may be decided of a case at each desk, and by whom; only one of these can stand."""
TIMES = 3


class TestTwoRequests:
    @pytest.mark.parametrize(("one", "other"), list(combinations_with_replacement(WAYS, 2)))
    async def test_of_one_person_at_the_same_moment_leave_one_transfer(
        self, world: World, one: str, other: str
    ):
        for _ in range(TIMES):
            person_id = await world.person()
            answers = await asyncio.gather(
                *(
                    world.post("/v1/transfers", request_body(person_id, to_place=WAYS[way]), by=CLERK)
                    for way in (one, other)
                )
            )
            taken, refused = sorted(answers, key=lambda answer: answer.status_code)
            assert (taken.status_code, refused.status_code) == (201, 409)
            assert (code(refused), refused.json()["transfer_id"]) == (
                "transfer-open",
                taken.json()["transfer_id"],
            )
            listed = await world.get(f"/v1/persons/{person_id}/transfers", by=CLERK)
            assert [each["transfer_id"] for each in listed.json()["items"]] == [taken.json()["transfer_id"]]

    def test_are_all_that_two_may_meet_on(self):
        assert declared_questions("transfer") == {OPEN_TRANSFER}

    async def test_of_two_people_do_not_meet(self, world: World):
        people = [await world.person() for _ in range(4)]
        answers = await asyncio.gather(
            *(world.post("/v1/transfers", request_body(each), by=CLERK) for each in people)
        )
        assert [answer.status_code for answer in answers] == [201] * 4


class TestTwoDecisions:
    @pytest.mark.parametrize(
        ("history", "one", "other"),
        [
            (history, one, other)
            for history, decisions in DECISIONS.items()
            for one, other in combinations_with_replacement(decisions, 2)
        ],
    )
    async def test_on_one_case_at_the_same_moment_leave_one(
        self, world: World, history: str, one: str, other: str
    ):
        transfer_id = await (received(world) if history == "received" else getattr(world, history)())
        case_id = arrival_of(transfer_id) if history == "received" else transfer_id
        answers = await asyncio.gather(
            *(
                world.post(
                    f"/v1/transfers/{case_id}/{act}",
                    REFUSED if act == "refusal" else None,
                    by=DECISIONS[history][act],
                )
                for act in (one, other)
            )
        )
        assert sorted(answer.is_success for answer in answers) == [False, True]
