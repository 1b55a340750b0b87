"""Words for journeys between two authorities: the person asks, desks decide, and the worker is let go round."""

from __future__ import annotations

from services.transfer.cases.arrival import arrival_id
from tests.kit.http import bearer
from tests.transfer.scenarios import TAIYUAN
from tests.transfer.world import CLERK, FAR_DESK, ORIGIN, World, request_body, signed_in


async def rounds(world: World, number: int = 3) -> None:
    """Let the worker go round, a new one each time."""
    for _ in range(number):
        await world.process().step()


async def requested_out(world: World, to_place: str = TAIYUAN, *, by_person: bool = False) -> str:
    """Asked for, to another authority, by an official unless the person does."""
    person_id = await world.person()
    by = bearer("transfer:request", subject=person_id) if by_person else CLERK
    answer = await world.post("/v1/transfers", request_body(person_id, to_place=to_place), by=by)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["transfer_id"])


async def accepted_out(world: World) -> str:
    """Accepted by the origin."""
    transfer_id = await requested_out(world)
    await did(world, transfer_id, "acceptance", by=ORIGIN)
    return transfer_id


async def received(world: World) -> str:
    """Fetched by the destination, which has it on its desk."""
    transfer_id = await accepted_out(world)
    await rounds(world)
    return transfer_id


async def approved(world: World) -> str:
    """Approved by the destination, waiting for the person."""
    transfer_id = await received(world)
    await did(world, arrival_of(transfer_id), "approval", by=FAR_DESK)
    return transfer_id


async def confirmed(world: World) -> str:
    """Confirmed by the person; the worker knows nothing of it yet."""
    transfer_id = await approved(world)
    await did(
        world, arrival_of(transfer_id), "confirmation", by=await signed_in(world, arrival_of(transfer_id))
    )
    return transfer_id


def arrival_of(transfer_id: str) -> str:
    """The id of the other end."""
    return str(arrival_id(transfer_id))


async def did(world: World, transfer_id: str, step: str, *, by: dict[str, str], body: object = None) -> None:
    """A step that succeeds."""
    answer = await world.post(f"/v1/transfers/{transfer_id}/{step}", body, by=by)
    assert answer.status_code == 200, answer.text


async def states(world: World, transfer_id: str) -> tuple[str, str]:
    """Where both ends stand, as their desks see them."""
    found = []
    for each, by in ((transfer_id, CLERK), (arrival_of(transfer_id), FAR_DESK)):
        answer = await world.get(f"/v1/transfers/{each}", by=by)
        found.append(answer.json()["state"] if answer.status_code == 200 else "none")
    return found[0], found[1]
