"""`xuefen identity`: the key under which people are recognised, rotated while everything runs, and hashes derived anew.

Two keys are in use meanwhile. Everybody is found under both, so that a process may take the one for the other at any moment;
once nothing stands under the old one alone it is retired, and with it everything that was only to be found by it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from cyclopts import App
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from contracts.divisions import AUTHORITIES
from contracts.identity import LOOK_SECONDS, IdentityHasher
from services.cli.databases import connect_as, databases_for_a_command
from services.cli.key_file import KeyFile
from services.cli.settings import StackSettings
from services.cli.state_dir import StateDir, secrets_of
from services.kit.clock import Clock, utc_now
from services.kit.database import Database
from services.kit.event_store import EventStore
from services.kit.key_checks import IDENTITY_KEY, KeysInUse, keys_in_use, put_first, take_into_use
from services.kit.key_checks import retire as retire_key
from services.kit.settings import PREFIX, SettingsError, new_key_text

if TYPE_CHECKING:
    from services.ledger.composition import Ledger
    from services.registry.composition import Registry
    from services.registry.people.rehash import Rehash, Rehashed

app = App(name="identity", help="The key under which people are recognised: rotate it. 身份识别密钥")
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

WAIT_SECONDS = 600.0
_LOOK_AGAIN_SECONDS = 0.5
_COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
_REGISTRY = ["registry"]


@app.command
def rotate(*, as_is: bool = False, wait_seconds: float = WAIT_SECONDS) -> None:
    """Put a new identity key beside the old one and derive everybody's hashes under it. Safe while services run.

    A rotation that was stopped goes on where it was. Afterwards people are looked for under the new key, and both are known;
    `xuefen identity retire` takes the old one out.

    Parameters
    ----------
    as_is
        Change no file: you have put the new key on the second line yourself, for every service; then on the first.
    wait_seconds
        How long to wait for the ledger to follow.
    """
    asyncio.run(_rotate(as_is=as_is, wait_seconds=wait_seconds))


@app.command
def retire(*, leave_held: bool = False, wait_seconds: float = WAIT_SECONDS) -> None:
    """Take the old identity key out of use, once nothing stands under it alone.

    Destroy it afterwards, and every backup of it: the hashes of whoever was erased are then forgotten for good.

    Parameters
    ----------
    leave_held
        Retire it although records wait for people whom nobody has collected: they will never be registered by themselves.
    wait_seconds
        How long to wait for the ledger to follow.
    """
    asyncio.run(_retire(leave_held=leave_held, wait_seconds=wait_seconds))


@app.command
def rehash(*, json: bool = False) -> None:
    """Derive the keyed hashes of everybody on record anew, after a release that compares names or numbers otherwise.

    Safe while services run, and to run again: who is right already is passed over. The ledger follows by the registry's
    feed, and takes what was reported under the hashes before. Fails when two people would have one hash, naming both:
    neither is changed.

    Parameters
    ----------
    json
        Print the result as JSON.
    """
    done = asyncio.run(_rehash())
    if json:
        out.print(msgspec.json.encode(done).decode(), soft_wrap=True)
    else:
        _say(done)
    if done.collisions:
        raise SystemExit(1)


class Rotation:
    """One rotation of the identity key, in steps that each may be stopped and taken again."""

    def __init__(
        self,
        registry: "Registry",
        ledger: "Ledger",
        file: KeyFile,
        *,
        clock: Clock = utc_now,
        wait_seconds: float = WAIT_SECONDS,
        bars: Progress | None = None,
    ) -> None:
        """`registry` and `ledger` look the keys up where `file` keeps them."""
        self._people = _people_of(registry)
        self._registry = registry
        self._ledger = ledger
        self._file = file
        self._clock = clock
        self._wait_seconds = wait_seconds
        self._bars = bars

    async def begin(self, *, as_is: bool = False) -> None:
        """Put a new key behind the old one, and say that both are in use. Raises SettingsError."""
        known = await self._known()
        if len(self._file.keys()) == 1 and len(known.in_use) == 1:
            if as_is:
                raise SettingsError(
                    f"{IDENTITY_KEY.variable}: put a new key on a second line, for every service"
                )
            self._file.put_behind(new_key_text())
        self._look_again()
        new, _ = self._keys(await self._known())
        for database, logs in self._logs():
            async with database.transaction() as conn:
                await take_into_use(conn, logs, IDENTITY_KEY, new.check_value)

    async def derive(self) -> "Rehashed":
        """Derive everything under the new key, and wait until the ledger has followed.

        Raises SettingsError when two people would have one hash, and when the ledger does not follow.
        """
        new, old = self._keys(await self._known())
        progress = self._progress("people")
        done = await self._people.run(progress, under=new)
        for each in done.collisions:
            raise SettingsError(
                f"{each.person_id} would have the hash of {each.other_id}: merge the two, or correct one, and go on"
            )
        await self._rehash_attestations(new, old)
        await self._until_followed()
        return done

    async def turn(self, *, as_is: bool = False) -> None:
        """Hash whatever comes in under the new key from now on. Raises SettingsError when the file is not ours to change."""
        new, _ = self._keys(await self._known())
        if self._ledger.hashers.checks[0] != new.check_value:
            if as_is:
                raise SettingsError(
                    f"everybody is known under both keys: put the new {IDENTITY_KEY.variable} on the first line, for every"
                    " service, and run this again"
                )
            self._file.turn()
            self._look_again()
        since = self._clock() + timedelta(seconds=2 * LOOK_SECONDS)
        for database, logs in self._logs():
            async with database.transaction() as conn:
                await put_first(conn, logs, IDENTITY_KEY, new.check_value, since)

    async def retire(self, *, leave_held: bool = False) -> Path | None:
        """Take the old key out of use, and out of the file; where it is now, None where it was out already.

        Raises SettingsError, saying what stands under it alone.
        """
        known = await self._known()
        if len(known.in_use) > 1:
            new, old = self._keys(known)
            since = known.first_since.get(new.check_value)
            if since is None or self._ledger.hashers.checks[0] != new.check_value:
                raise SettingsError(
                    "what comes in is hashed under the old key still: `xuefen identity rotate` first"
                )
            await self.derive()
            waiting = await self._ledger.rehash.backlog(since)
            told = [f"{each.log}: {each.held} records held, {each.rosters} rosters open" for each in waiting]
            if any(each.rosters or (each.held and not leave_held) for each in waiting):
                raise SettingsError(
                    "\n".join(["this stands under the old key alone, decide it first:", *told])
                )
            for database, logs in self._logs():
                async with database.transaction() as conn:
                    await retire_key(conn, logs, IDENTITY_KEY, old.check_value)
        aside = self._file.retire() if len(self._file.keys()) > 1 else None
        self._look_again()
        return aside

    async def _known(self) -> KeysInUse:
        async with self._registry.database.acquire() as conn:
            return (await keys_in_use(conn, _REGISTRY, IDENTITY_KEY))[_REGISTRY[0]]

    def _keys(self, known: KeysInUse) -> tuple[IdentityHasher, IdentityHasher]:
        """The new key and the old one. Raises SettingsError unless two are held, the old one in use."""
        held = self._ledger.hashers.held
        old = next((each for each in held if each.check_value == known.in_use[0]), None)
        others = [each for each in held if each is not old]
        if old is None or len(others) != 1:
            raise SettingsError(f"{IDENTITY_KEY.variable} must hold the old key and one new one")
        if others[0].check_value in known.retired:
            raise SettingsError(
                f"{IDENTITY_KEY.variable} holds a key that was retired: `xuefen identity retire` takes it out"
            )
        return others[0], old

    def _look_again(self) -> None:
        self._registry.hashers.look_again()
        self._ledger.hashers.look_again()

    def _logs(self) -> Iterator[tuple[Database, list[str]]]:
        yield self._registry.database, _REGISTRY
        for database, logs in self._ledger.databases.grouped(AUTHORITIES).items():
            yield database, list(logs)

    async def _rehash_attestations(self, new: IdentityHasher, old: IdentityHasher) -> None:
        progress = self._progress("attestations")
        for turn, log in enumerate(sorted(AUTHORITIES), 1):
            after = ""
            while page := await self._ledger.rehash.attested(log, after):
                for each in page:
                    whose, suffix = each.issued.person_id, each.issued.suffix_hash
                    for _, number in await self._people.numbers(whose):
                        if old.suffix(whose, number) == suffix:
                            await self._ledger.rehash.rehash(log, each, new.suffix(whose, number))
                            break
                after = f"attestation:{page[-1].issued.reference}"
            progress(turn, len(AUTHORITIES))

    async def _until_followed(self) -> None:
        async with self._registry.database.acquire() as conn:
            head = await self._registry.store.head(conn, _REGISTRY[0])
        ends = time.monotonic() + self._wait_seconds
        while await self._ledger.rehash.followed() < head:
            if time.monotonic() >= ends:
                raise SettingsError(
                    "the ledger has not followed the registry yet: let its worker run, and go on"
                )
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        after = ""
        while people := await self._people.on_record(after):
            # What a transfer brought may be from before: it is told once more, and is right when we are run again.
            otherwise = await self._ledger.rehash.otherwise(people)
            if otherwise:
                await self._people.announce(otherwise)
                raise SettingsError(
                    f"{len(otherwise)} people are told to the ledger once more: go on in a moment"
                )
            after = max(people)

    def _progress(self, name: str) -> Callable[[int, int], None]:
        if self._bars is None:
            return lambda done, total: None
        bars, task = self._bars, self._bars.add_task(name, total=None)
        return lambda done, total: bars.update(task, completed=done, total=total)


async def _rotate(*, as_is: bool, wait_seconds: float) -> None:
    async with _rotation(wait_seconds) as rotation:
        await rotation.begin(as_is=as_is)
        _say(await rotation.derive())
        await rotation.turn(as_is=as_is)
        _say(await rotation.derive())
    out.print(
        "Both keys are known, and the new one hashes what comes in. `xuefen identity retire` takes the old one out."
    )


async def _retire(*, leave_held: bool, wait_seconds: float) -> None:
    async with _rotation(wait_seconds) as rotation:
        aside = await rotation.retire(leave_held=leave_held)
    if aside is None:
        out.print("There is one key only.")
    else:
        out.print(
            f"Retired; the old key is in {aside}. Destroy it and every backup of it to forget whom it was of.",
            soft_wrap=True,
        )


async def _rehash() -> "Rehashed":
    settings = StackSettings.load()
    with databases_for_a_command(settings) as dsns, Progress(*_COLUMNS, console=err) as bars:
        async with _registry(settings, dsns) as registry:
            task = bars.add_task("people", total=None)
            return await _people_of(registry).run(
                lambda done, total: bars.update(task, completed=done, total=total)
            )


@asynccontextmanager
async def _rotation(wait_seconds: float) -> AsyncIterator[Rotation]:
    settings = StackSettings.load()
    told = secrets_of("registry", StateDir(settings.home))
    variable = IDENTITY_KEY.variable
    file = told.get(f"{variable}_FILE")
    keys = KeyFile(variable, told.get(variable), Path(file) if file else None)
    with databases_for_a_command(settings) as dsns, Progress(*_COLUMNS, console=err) as bars:
        async with _registry(settings, dsns) as registry, _ledger(settings, dsns) as ledger:
            yield Rotation(registry, ledger, keys, wait_seconds=wait_seconds, bars=bars)


@asynccontextmanager
async def _registry(settings: StackSettings, dsns: dict[str, str]) -> AsyncIterator["Registry"]:
    from services.registry.composition import Registry
    from services.registry.settings import RegistrySettings

    if "registry" not in dsns:
        raise SettingsError("XUEFEN_REGISTRY_DATABASE_URL is not set")
    told = RegistrySettings.load(registry_database_url=dsns["registry"], **_secrets("registry", settings))
    (database,) = (await connect_as("registry", settings, dsns, purpose="identity")).all()
    registry = Registry(told, database, EventStore())
    try:
        await registry.prepare()
        yield registry
    finally:
        await registry.close()


@asynccontextmanager
async def _ledger(settings: StackSettings, dsns: dict[str, str]) -> AsyncIterator["Ledger"]:
    from services.ledger.composition import Ledger
    from services.ledger.settings import LedgerSettings

    databases = await connect_as("ledger", settings, dsns, purpose="identity")
    told = LedgerSettings.load(ledger_database_url=dsns["ledger"], **_secrets("ledger", settings))
    ledger = Ledger(databases, told.hashers, digest_key=told.digest_key_bytes, audit_key=told.audit_key_bytes)
    try:
        yield ledger
    finally:
        await ledger.close()


def _secrets(service: str, settings: StackSettings) -> dict[str, str]:
    told = secrets_of(service, StateDir(settings.home))
    return {name.removeprefix(PREFIX).lower(): value for name, value in told.items()}


def _people_of(registry: "Registry") -> "Rehash":
    from services.registry.people.rehash import Rehash

    part = registry.parts[Rehash]
    assert isinstance(part, Rehash)
    return part


def _say(done: "Rehashed") -> None:
    out.print(f"{done.rehashed} of {done.looked_at} people rehashed, {done.unreadable} unreadable.")
    for each in done.collisions:
        out.print(f"{each.person_id} would have the hash of {each.other_id}: left as it was.")
