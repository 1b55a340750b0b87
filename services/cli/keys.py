"""`xuefen keys`: make the secret keys of a deployment, and rotate the one that wraps people's keys."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cyclopts import App
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.cli.key_file import KeyFile
from services.cli.settings import StackSettings
from services.cli.state_dir import StateDir, make_keys, secrets_of
from services.kit.database import Database
from services.kit.key_shares import KeyShares, KeySharesError
from services.kit.sealing import ALGORITHM_OF, KeyWrapper, UnsealableError
from services.kit.settings import PREFIX, SettingsError, new_key_text
from services.kit.waits import COMMAND_STATEMENT_SECONDS, Waits
from services.registry.personal_data.keys import Rotated, rotate

app = App(
    name="keys", help="Make the secret keys of a deployment; rotate the one that wraps people's keys. 密钥"
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

_COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
_KEY = f"{PREFIX}KEY_ENCRYPTION_KEY"


@app.default
def make(folder: Path, /, *, replace_missing: bool = False) -> None:
    """Make the secret keys of a deployment in a folder; keys that are there are left as they are.

    Parameters
    ----------
    folder
        Where identity.key, digest.key, key-encryption.key, audit.key, signing.jwk and relay.token are kept. Without them
        the data cannot be read.
    replace_missing
        Make anew what is missing beside other keys. What was written under the lost key stays lost.
    """
    for path in make_keys(folder, replace_missing=replace_missing):
        out.print(str(path))


@app.command(name="rotate")
def rotate_keys(*, as_is: bool = False) -> None:
    """Put a new key-encryption key in front of the old one, and wrap every person's key anew. Safe while services run.

    A rotation that was stopped goes on where it was. Afterwards both keys open; `xuefen keys retire` takes the old one
    out.

    Parameters
    ----------
    as_is
        Make no new key: the one you have put on the first line of the file is it.
    """
    given = _given()
    if not as_is and len(given.keys.keys()) == 1:
        given.keys.put_in_front(new_key_text())
    done = _run(given)
    out.print(f"{done.rewrapped} keys wrapped anew, {done.destroyed} of people erased, {done.left} left.")


@app.command
def retire() -> None:
    """Take the old key-encryption keys out of the file, once nothing is wrapped by them any more.

    Keep them where you keep old backups: a backup from before the rotation needs them.
    """
    given = _given()
    if len(given.keys.keys()) == 1:
        out.print("There is one key only.")
        return
    done = _run(given)
    if done.left:
        raise SettingsError(f"{done.left} keys are still wrapped by an older one")
    out.print(f"Taken out; the old keys are in {given.keys.retire()}.")


@dataclass(frozen=True)
class Given:
    """What the registry is told: the key-encryption keys, and the file of shares."""

    settings: StackSettings
    keys: KeyFile
    shares: Path


def _given() -> Given:
    settings = StackSettings.load()
    told = secrets_of("registry", StateDir(settings.home))
    file = told.get(f"{_KEY}_FILE")
    shares = Path(told[f"{PREFIX}KEY_SHARES_FILE"])
    return Given(settings, KeyFile(_KEY, told.get(_KEY), Path(file) if file else None), shares)


def _run(given: Given) -> Rotated:
    try:
        shares = KeyShares(given.shares)
    except KeySharesError as error:
        raise SettingsError(str(error)) from None
    wrapper = KeyWrapper(
        given.keys.keys, algorithm=ALGORITHM_OF[given.settings.crypto_profile], shares=shares
    )
    with _registry_dsn(given.settings) as dsn:
        return asyncio.run(_rotate(dsn, wrapper))


@contextmanager
def _registry_dsn(settings: StackSettings) -> Iterator[str]:
    from services.cli.databases import databases_for_a_command

    with databases_for_a_command(settings) as dsns:
        if "registry" not in dsns:
            raise SettingsError("XUEFEN_REGISTRY_DATABASE_URL is not set")
        yield dsns["registry"]


async def _rotate(dsn: str, wrapper: KeyWrapper) -> Rotated:
    database = await Database.connect(
        dsn,
        schema="registry",
        application_name="xuefen.registry.keys",
        size_max=2,
        waits=Waits(statement=COMMAND_STATEMENT_SECONDS),
    )
    try:
        with Progress(*_COLUMNS, console=err) as bars:
            task = bars.add_task("keys wrapped", total=None)
            return await rotate(
                database, wrapper, lambda done, total: bars.update(task, completed=done, total=total)
            )
    except UnsealableError:
        raise SettingsError("a key was wrapped by a key-encryption key that is not given any more") from None
    finally:
        await database.close()
