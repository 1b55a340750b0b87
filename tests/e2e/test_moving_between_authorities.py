"""A profile moves from Liaoning to Shanxi through all three services and the relay, both ends in one deployment."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from services.transfer.cases.arrival import arrival_id
from tests.conftest import FreshDatabaseFactory
from tests.e2e.system import LISTED, SHUANGTA, System, new_system

JINCHENG, SHANXI, LIAONING = "140502", "140000", "210000"
OPENED = (
    'opened: [{authority: "140000", opened_on: 2025-01-01}, {authority: "210000", opened_on: 2025-01-01}]'
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def system(fresh_database: FreshDatabaseFactory, tmp_path_factory: object) -> AsyncIterator[System]:
    """A system whose list says that both authorities have opened."""
    folder: Path = tmp_path_factory.mktemp("opened")  # type: ignore[attr-defined]
    file = folder / "opened.yaml"
    file.write_text(OPENED, encoding="utf-8")
    async with new_system(fresh_database, transfer_opened_authorities_file=file).running() as system:
        yield system


async def asked_out(system: System, person_id: str) -> str:
    """A transfer from 双塔区 to 晋城市城区, accepted at the origin."""
    evidence = [{"name": "工作证明.pdf", "sha256": "ab" * 32, "media_type": "application/pdf"}]
    body = {"person_id": person_id, "to_place": JINCHENG, "employer": system.uscc(), "evidence": evidence}
    portal = {"Authorization": f"Bearer {system.token('transfer:request', subject=person_id)}"}
    asked = await system.does("transfer", "POST", "/v1/transfers", body, by=portal)
    transfer_id: str = asked["transfer_id"]
    await system.does(
        "transfer", "POST", f"/v1/transfers/{transfer_id}/acceptance", by=system.official(SHUANGTA)
    )
    return transfer_id


async def confirmed(system: System, transfer_id: str) -> None:
    """Approved at the destination, and looked up by the person."""
    path = f"/v1/transfers/{arrival_id(transfer_id)}"
    await system.does("transfer", "POST", f"{path}/approval", by=system.official(JINCHENG))
    person_id = (await system.does("transfer", "GET", path, by=system.official(JINCHENG)))["person_id"]
    portal = {"Authorization": f"Bearer {system.token('transfer:confirm', subject=person_id)}"}
    await system.does("transfer", "POST", f"{path}/confirmation", by=portal)


class TestOneDeployment:
    async def test_carries_person_and_credits(self, system: System):
        """S2C-14 to S2C-18: registry, ledger and transfer service say the same before and after."""
        provider = await system.provides(LISTED)
        someone = system.stranger()
        person_id = await system.collects(someone, SHUANGTA)
        await system.follow()
        outcome = await provider.posts(*(provider.completion(someone, "45.00") for _ in range(2)))
        assert {each["outcome"] for each in outcome} == {"registered"}, outcome
        before = await system.asks(person_id, 2025, LIAONING)

        transfer_id = await asked_out(system, person_id)
        await system.carry()
        await confirmed(system, transfer_id)
        await system.carry()

        after = await system.asks(person_id, 2025, SHANXI)
        assert (before["total"], after["total"]) == ("90.00", "90.00")
        path = f"/v1/persons/{person_id}"
        seen = await system.does("registry", "GET", path, by=system.official(JINCHENG))
        assert seen["place"] == JINCHENG
        assert (await system.call("registry", "GET", path, by=system.official(SHUANGTA))).status_code == 404
