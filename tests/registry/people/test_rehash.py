"""Rehash: hashes that are derived otherwise since a release are put right for everybody on record, and others follow."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from contracts import registry as contract
from contracts.identity import IdentityHashers
from services.kit.budgets import Budgets
from services.kit.clock import utc_now
from services.kit.database import Database, Databases
from services.kit.event_store import EventStore
from services.registry.people.personal_commands import Collision
from services.registry.people.rehash import Rehash
from services.registry.personal_data.vault import Vault
from services.registry.settings import RegistrySettings
from services.registry.store import projection as rebuilding
from services.registry.store.tables import LOG
from services.registry.streams.profile import Identity
from tests.registry.people.test_changes import published, result_of
from tests.registry.scenarios import Registry, somebody

OTHER_KEY = b"as a later release would derive all of them"


@pytest.fixture
async def database(settings: RegistrySettings) -> AsyncIterator[Database]:
    database = await Database.connect(
        settings.registry_database_url, schema="registry", application_name="test"
    )
    yield database
    await database.close()


def rehash_of(
    database: Database, settings: RegistrySettings, hashers: IdentityHashers | None = None
) -> Rehash:
    vault, budgets = Vault(settings.wrapper), Budgets(database, LOG, settings.budgets, utc_now)
    return Rehash(
        database,
        EventStore(),
        vault=vault,
        hashers=hashers or settings.hashers,
        budgets=budgets,
        clock=utc_now,
    )


class TestRehash:
    async def test_gives_everybody_the_hashes_of_now_and_keeps_those_before(
        self, registry: Registry, database: Database, settings: RegistrySettings
    ) -> None:
        human = somebody()
        person_id = (await registry.collected(human))["person_id"]
        answered = await result_of(registry, human.body)
        (collected,) = await published(database, person_id)
        shown: list[tuple[int, int]] = []

        otherwise = IdentityHashers([OTHER_KEY, *settings.identity_keys()])
        done = await rehash_of(database, settings, otherwise).run(lambda *at: shown.append(at))

        assert done.rehashed == done.looked_at == shown[-1][0] == shown[-1][1] > 0
        *_, told = await published(database, person_id)
        assert isinstance(told, contract.InfoChanged)
        assert (told.cause, told.items) == ("rehash", ("id_document", "name"))
        assert (told.identity_hash, told.name_hash) == otherwise.current.person_and_name(
            "resident_id", human.id_number, human.name
        )
        before = [(each.identity_hash, each.name_hash) for each in told.former]
        assert before == [(collected.identity_hash, collected.name_hash)]

        again = await rehash_of(database, settings, otherwise).run()
        assert (again.looked_at, again.rehashed) == (done.looked_at, 0)

        back = await rehash_of(database, settings).run()
        assert back.rehashed == done.rehashed
        assert await result_of(registry, human.body) == answered
        rebuilt = await rebuilding.rebuild(Databases(database), models=["people", "documents"])
        assert [each.rows_changed for each in rebuilt] == [0, 0]

    async def test_leaves_two_who_would_have_one_hash_and_names_both(
        self, registry: Registry, database: Database, settings: RegistrySettings
    ) -> None:
        first, second = somebody(), somebody()
        one = (await registry.collected(first))["person_id"]
        other = (await registry.collected(second))["person_id"]
        async with database.transaction() as conn:
            taken = Identity("resident_id", first.id_number, first.name)
            await Vault(settings.wrapper).seal_identity(conn, UUID(other), 99, taken)

        answered = await result_of(registry, second.body)
        done = await rehash_of(database, settings).run()

        assert done.collisions == (Collision(other, one),)
        assert done.rehashed == 0
        assert await result_of(registry, second.body) == answered
