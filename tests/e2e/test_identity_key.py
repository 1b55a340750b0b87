"""The rotation of the identity key on running services: nobody is lost, becomes a stranger, or becomes two, at any step."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from services.cli.demo.fictitious import FictitiousPerson
from services.cli.identity import Rotation
from services.cli.key_file import KeyFile
from services.kit.event_store import EventStore
from services.kit.key_checks import IDENTITY_KEY
from services.kit.settings import SettingsError, new_key_text
from services.ledger.composition import open_ledger
from services.ledger.settings import LedgerSettings
from services.registry import app as registry_app
from services.registry.composition import open_registry
from services.registry.people.rehash import Rehash
from services.registry.settings import RegistrySettings
from tests.conftest import FreshDatabaseFactory
from tests.e2e.people_of_a_rotation import are_found, before, code_of, hands_in, merge_of
from tests.e2e.system import LIAONING, SHUANGTA, START, System, new_system
from tests.e2e.test_information import changes, document

YEAR = 2025


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    path = tmp_path / "identity.key"
    path.write_text(new_key_text())
    return KeyFile(IDENTITY_KEY.variable, None, path)


@pytest.fixture
async def system(fresh_database: FreshDatabaseFactory, file: KeyFile) -> AsyncIterator[System]:
    """A system of its own: its key is rotated for good."""
    system = new_system(fresh_database, identity_key=None, identity_key_file=file.file)
    system.now = START
    async with system.running():
        yield system


def rotation(system: System, file: KeyFile) -> Rotation:
    """The operator's command, as often as it is given."""
    return Rotation(system.registry, system.ledger, file, clock=system.clock, wait_seconds=0)


async def derived(system: System, file: KeyFile) -> None:
    """The command is stopped as the ledger has not followed, and goes on once it has."""
    with pytest.raises(SettingsError, match="has not followed"):
        await rotation(system, file).derive()
    await system.follow()
    await rotation(system, file).derive()


async def on_record(system: System, *people: FictitiousPerson) -> list[list[str]]:
    """Under which of the keys that are held each is on record, in the registry and in the ledger."""
    found = []
    for person in people:
        hashes = system.registry.hashers.persons("resident_id", person.id_number)
        async with system.registry.database.acquire() as conn:
            there = await conn.fetchval(
                "select identity_hash from people where identity_hash = any($1)", hashes
            )
        (database,) = system.ledger.databases.all()
        async with database.acquire() as conn:
            here = await conn.fetchval(
                "select identity_hash from profiles where identity_hash = any($1)", hashes
            )
        found.append([there, here])
    return found


class TestRotation:
    async def test_nobody_is_lost_or_becomes_two_at_any_step(self, system: System, file: KeyFile) -> None:
        people = await before(system)
        [old] = file.keys()
        await are_found(system, people)

        await rotation(system, file).begin()
        assert file.keys()[0] == old
        await are_found(system, people)
        await derived(system, file)
        await are_found(system, people)

        await rotation(system, file).turn()
        assert file.keys()[1] == old
        await system.follow()
        await are_found(system, people)
        system.now += timedelta(minutes=1)
        await derived(system, file)
        with pytest.raises(SettingsError, match="210000: 1 records held, 0 rosters open"):
            await rotation(system, file).retire()
        await system.follow()

        # Who is handed in under the new key is found by what waits under the old one, and a repeat is the same record.
        held = await system.collects(people.held)
        await system.follow()
        assert (await system.asks(held, YEAR))["total"] == "10.00"
        [again] = await people.provider.posts(people.record)
        assert again["outcome"] == "duplicate"
        await rotation(system, file).retire()

        assert len(file.keys()) == 1
        assert file.keys() != [old]
        await are_found(system, people)
        for there, here in await on_record(
            system, people.collected, people.renamed, people.kept, people.held
        ):
            assert there == here is not None
        await system.passes(people.pending_case, SHUANGTA)
        await system.follow()
        [posted] = await people.provider.posts(people.provider.completion(people.pending, "3.00"))
        assert posted["outcome"] == "registered"
        [again] = await people.provider.posts(people.record)
        assert again["outcome"] == "duplicate"
        assert await rotation(system, file).retire() is None

    async def test_what_was_done_under_the_old_key_is_undone_under_the_new(
        self, system: System, file: KeyFile
    ) -> None:
        provider, first, second = await system.provides(), system.stranger(), system.stranger()
        kept, merged = system.stranger(), system.stranger()
        person_id = await system.collects(first)
        ids = [await system.collects(kept), await system.collects(merged)]
        items = {"id_document": document(second), "name": second.name}
        change_ids = [
            await changes(system, person_id, items),
            await changes(system, ids[0], merge_of(ids[1])),
        ]
        await system.follow()
        await rotates(system, file)

        chief = system.official(LIAONING, subject="chief")
        for each, separate in zip(change_ids, (True, False), strict=True):
            body = {"reason": "two_persons_as_one", "separate": separate}
            await system.does("registry", "POST", f"/v1/changes/{each}/reversal", body, by=chief)
        await system.follow()

        found = [
            (await provider.posts(provider.completion(each, "2.00")))[0].get("person_id")
            for each in (first, second, kept, merged)
        ]
        assert [found[0], *found[2:]] == [person_id, *ids]
        assert found[1] not in (None, person_id)

    async def test_an_attestation_is_verified_by_the_same_characters(
        self, system: System, file: KeyFile
    ) -> None:
        people = [system.stranger(), system.stranger()]
        references = []
        for each in people:
            person_id = await system.collects(each)
            await system.follow()
            references.append(await attested(system, each, person_id))
        gone = {"reason": "own_request", "authority": LIAONING}
        path = f"/v1/persons/{person_id}/erasure"
        await system.does("registry", "POST", path, gone, by=system.official(LIAONING, "person:erase"))
        await system.follow()
        await rotates(system, file)
        asked = [
            {"reference": reference, "last_four": each.id_number[-4:]}
            for reference, each in zip(references, people, strict=True)
        ]
        answers = [
            await system.call("ledger", "POST", "/v1/attestations/verification", each) for each in asked
        ]
        assert [each.status_code for each in answers] == [200, 404], "an erased person is forgotten"

    async def test_a_process_that_lacks_a_key_in_use_takes_nobody_in(
        self, system: System, file: KeyFile, tmp_path: Path
    ) -> None:
        """Two processes, of which one has not been given the new key yet: what it does not find may be there."""
        person = system.stranger()
        late = tmp_path / "late.key"
        late.write_text(text_of(file))
        settings = system.registry_settings.model_copy(update={"identity_key_file": late})
        app = registry_app.create_app(RegistrySettings(**settings.model_dump()), system.clock)
        async with app.router.lifespan_context(app):
            await rotates(system, file, retires=False)
            await system.collects(person)
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://registry") as client:
                system.clients["registry"], first = client, system.clients["registry"]
                refused = await hands_in(system, person)
                late.write_text(text_of(file))
                app.state.registry.hashers.look_again()
                known = await hands_in(system, person)
                system.clients["registry"] = first
        assert (refused.status_code, code_of(refused)) == (503, "not-ready")
        assert (known.status_code, code_of(known)) == (409, "collection-exists")

    async def test_a_key_too_few_or_one_that_was_retired_starts_no_service(
        self, system: System, file: KeyFile
    ) -> None:
        [old] = text_of(file).split()
        await rotates(system, file, retires=False)
        both = text_of(file)
        new = both.split()[0]
        for one in (old, new):
            with pytest.raises(SettingsError, match="lacks one of the 2 keys"):
                await starts(system, one)
        await starts(system, both)
        await rotation(system, file).retire()
        with pytest.raises(SettingsError, match="is not the key"):
            await starts(system, old)
        await starts(system, new)


class TestResumption:
    """A crash leaves one of these states, and the command that was cut off goes on from it."""

    async def test_after_the_new_key_was_written_and_not_announced(
        self, system: System, file: KeyFile
    ) -> None:
        file.put_behind(new_key_text())
        before = file.keys()
        await rotates(system, file, retires=False)
        assert sorted(file.keys()) == sorted(before)

    async def test_after_the_old_key_was_retired_and_not_taken_out(
        self, system: System, file: KeyFile
    ) -> None:
        await rotates(system, file, retires=False)
        both = file.keys()
        aside = await rotation(system, file).retire()
        assert aside is not None
        file.put_behind(aside.read_text().split()[0])
        assert file.keys() == both
        with pytest.raises(SettingsError, match="was retired"):
            await rotation(system, file).begin()
        assert await rotation(system, file).retire() == aside
        assert file.keys() == both[:1]

    async def test_a_key_is_not_retired_before_it_was_turned(self, system: System, file: KeyFile) -> None:
        await rotation(system, file).begin()
        with pytest.raises(SettingsError, match="rotate` first"):
            await rotation(system, file).retire()

    async def test_of_a_file_that_is_not_ours_says_what_to_write(self, system: System, file: KeyFile) -> None:
        with pytest.raises(SettingsError, match="second line"):
            await rotation(system, file).begin(as_is=True)
        file.put_behind(new_key_text())
        await rotation(system, file).begin(as_is=True)
        with pytest.raises(SettingsError, match="first line"):
            await rotation(system, file).turn(as_is=True)
        file.turn()
        system.registry.hashers.look_again()
        system.ledger.hashers.look_again()
        await rotation(system, file).turn(as_is=True)


async def rotates(system: System, file: KeyFile, *, retires: bool = True) -> None:
    """The whole rotation, with what the services' workers do meanwhile."""
    await rotation(system, file).begin()
    new = next(each for each in system.registry.hashers.held[1:])
    part = system.registry.parts[Rehash]
    assert isinstance(part, Rehash)
    await part.run(under=new)
    await system.follow()
    await rotation(system, file).derive()
    await rotation(system, file).turn()
    system.now += timedelta(minutes=1)
    if retires:
        await rotation(system, file).retire()


def text_of(file: KeyFile) -> str:
    assert file.file is not None
    return file.file.read_text()


async def starts(system: System, keys: str) -> None:
    """Both services start under keys, or SettingsError."""
    changed = {"identity_key": keys, "identity_key_file": None}
    registry = RegistrySettings(**system.registry_settings.model_dump() | changed)
    async with open_registry(registry, "test", EventStore()):
        pass
    ledger = LedgerSettings(**system.ledger_settings.model_dump() | changed)
    async with open_ledger(ledger, "test"):
        pass


async def attested(system: System, person: FictitiousPerson, person_id: str) -> str:
    """The reference of what a person has had attested, signed in by their number."""
    token = system.token(
        "attestation:own", "compliance:own", subject=person_id, document=f"resident_id:{person.id_number}"
    )
    body = {"person_id": person_id, "year": YEAR, "purpose": "annual"}
    by = {"Authorization": f"Bearer {token}"}
    answer = await system.does("ledger", "POST", "/v1/attestations", body, by=by)
    reference: str = answer["reference"]
    return reference
