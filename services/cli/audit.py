"""`xuefen audit verify`: whether every record of who read what is there, unchanged, and none was put in."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from cyclopts import App
from rich.console import Console

from services.cli.databases import connect_as, databases_for_a_command
from services.cli.settings import SERVICES, StackSettings
from services.cli.state_dir import StateDir, secrets_of, write_private
from services.kit.audit_records import Head, Verified, verify
from services.kit.clock import utc_now
from services.kit.settings import PREFIX, SettingsError, secret_key

app = App(name="audit", help="The records of who read what: whether any was removed or altered. 查阅记录")
out = Console(highlight=False)

HEADS_FILE = "audit-heads.json"
_KEY = f"{PREFIX}AUDIT_KEY"
Heads = dict[str, dict[str, Head]]
"""The heads of every service, each by its log, of every database by its name."""


@app.command(name="verify")
def verify_audit(*services: str, heads: Path | None = None) -> None:
    """Read the audit of every service and say what does not fit; exit with 1 when anything does not.

    The heads of the chains are kept in a file for the next time: where the end of a chain was cut off, that file alone
    tells. Keep it, and copies of it, where whoever runs the databases cannot write.

    Parameters
    ----------
    services
        Only these services; all whose databases are known when none is named.
    heads
        The file of the heads; `audit-heads.json` under XUEFEN_HOME when left out.
    """
    settings = StackSettings.load()
    unknown = sorted(set(services) - set(SERVICES))
    if unknown:
        raise SettingsError(f"there is no service {unknown[0]!r}: there are {', '.join(SERVICES)}")
    file = heads or settings.home / HEADS_FILE
    before = read_heads(file)
    with databases_for_a_command(settings) as dsns:
        wanted = services or tuple(each for each in SERVICES if each in dsns)
        found = asyncio.run(_verify_all(wanted, settings, dsns, before))
    faults = 0
    for name, verified in found.items():
        out.print(f"{name}: {verified.sealed} records in {len(verified.heads)} logs")
        for log, head in sorted(verified.heads.items()):
            out.print(f"  {log} {head.number} {head.digest}")
        for fault in verified.faults:
            faults += 1
            out.print(f"  [red]{fault.what}[/red] {fault.log} {fault.number or '-'} {fault.record_id or '-'}")
    if faults:
        # What was found good before stays the measure.
        out.print(f"{faults} faults. The heads kept before are kept on.")
        sys.exit(1)
    write_private(
        file, msgspec.json.encode(before | {name: dict(each.heads) for name, each in found.items()}).decode()
    )
    out.print(f"Nothing was removed or altered. Heads kept in {file}.")


def read_heads(file: Path) -> Heads:
    """The heads of the last verification; none where there was none. Raises SettingsError for a file that is none."""
    if not file.exists():
        return {}
    try:
        return msgspec.json.decode(file.read_bytes(), type=Heads)
    except msgspec.DecodeError:
        raise SettingsError(f"{file} is no file of heads") from None


async def _verify_all(
    services: Sequence[str], settings: StackSettings, dsns: dict[str, str], before: Heads
) -> Mapping[str, Verified]:
    found: dict[str, Verified] = {}
    for service in services:
        key = _key_of(service, settings)
        databases = await connect_as(service, settings, dsns, purpose="audit")
        try:
            for number, database in enumerate(databases.all()):
                name = service if number == 0 else f"{service} {number + 1}"
                async with database.acquire() as conn:
                    found[name] = await verify(conn, key, utc_now(), before.get(name))
        finally:
            await databases.close()
    return found


def _key_of(service: str, settings: StackSettings) -> bytes:
    told = secrets_of(service, StateDir(settings.home))
    file = told.get(f"{_KEY}_FILE")
    return secret_key(_KEY, told.get(_KEY), Path(file) if file else None)
