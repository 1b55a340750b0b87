"""Two complete deployments, each with processes, a database and keys of its own, exchange a person through their transfer
services and the relay alone (S2C-13 to S2C-19)."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli.demo import fictitious
from tests.conftest import reachable
from tests.e2e.deployment import (
    CHANGCHUN,
    HOHHOT,
    JILIN,
    NEI_MONGOL,
    THIS_YEAR,
    Deployment,
    completion,
    wait_until,
)

SAME = ("status", "total", "by_category", "place", "policy", "requirements", "missing", "year")


@pytest.fixture(scope="module")
def deployments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Deployment, Deployment]]:
    """内蒙古's, which the relay's stand-in runs beside, and 吉林's."""
    folder: Path = reachable(tmp_path_factory.mktemp("two"))
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("XUEFEN_")]:
            patch.delenv(name)
        first = Deployment(folder / "first", authorities=NEI_MONGOL)
        try:
            first.start()
            second = Deployment(folder / "second", relay=first, authorities=JILIN)
            try:
                second.start()
                yield first, second
            finally:
                second.stop()
        finally:
            first.stop()


class TestTwoDeployments:
    def test_exchange_a_person_with_the_credits_and_say_the_same_of_the_year(
        self, deployments: tuple[Deployment, Deployment]
    ):
        """Credits are valid in the whole country in their year (S1-04); the destination judges it (A-13)."""
        origin, destination = deployments
        provider, person = origin.provides(NEI_MONGOL), fictitious.person(811)
        there = origin.collects(person, HOHHOT)
        wait_until(lambda: origin.asks(there) is not None)
        records = [completion(person, f"c-{number}", "30.00", NEI_MONGOL) for number in range(3)]
        wait_until(
            lambda: (
                {each["outcome"] for each in origin.posts(provider, *records)} <= {"registered", "duplicate"}
            )
        )
        before = origin.asks(there)
        assert before is not None
        assert (before["status"], before["total"]) == ("compliant", "90.00")

        transfer_id = origin.asks_out(there, CHANGCHUN)
        origin.accepts(transfer_id, HOHHOT)
        destination.takes(transfer_id, CHANGCHUN)
        path = "/v1/compliance/query"
        identities = [{"id_type": "resident_id", "id_number": person.id_number, "name": person.name}]
        asked = {"year": THIS_YEAR, "identities": identities}

        def arrived() -> bool:
            return destination.does("ledger", "POST", path, asked, place=JILIN)["results"][0] is not None

        wait_until(arrived)
        [here] = destination.does("ledger", "POST", path, asked, place=JILIN)["results"]
        wait_until(lambda: (origin.asks(there) or {}).get("place") == CHANGCHUN)
        after = origin.asks(there)
        assert after is not None
        assert {name: after[name] for name in SAME} == {name: here[name] for name in SAME}
        assert (here["log"], here["total"], after["moved_to"]) == (JILIN, "90.00", CHANGCHUN)
