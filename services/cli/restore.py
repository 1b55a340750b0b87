"""`xuefen restored`: a new history of every log, after a restore of which PostgreSQL itself shows nothing."""

import asyncio
from collections.abc import Mapping, Sequence

from cyclopts import App
from rich.console import Console

from services.cli.databases import connect_as, databases_for_a_command
from services.cli.settings import SERVICES, StackSettings
from services.kit.histories import begin_new
from services.kit.settings import SettingsError

app = App(
    name="restored", help="Begin a new history of every log, after its files were put back. 数据库恢复之后"
)
out = Console(highlight=False)


@app.default
def restored(*services: str) -> None:
    """Begin a new history of every log, so that nobody reads on where the restored log holds other events than before.

    Run it after a copy of a database's files was put back, before the services start. Restored dumps, restores up to a
    moment and promoted standbys are noticed without it; once too often does no harm: readers go on where they are.

    Parameters
    ----------
    services
        Only these services; all whose databases are known when none is named.
    """
    settings = StackSettings.load()
    unknown = sorted(set(services) - set(SERVICES))
    if unknown:
        raise SettingsError(f"there is no service {unknown[0]!r}: there are {', '.join(SERVICES)}")
    with databases_for_a_command(settings) as dsns:
        wanted = services or tuple(each for each in SERVICES if each in dsns)
        for service, logs in asyncio.run(_begin(wanted, settings, dsns)).items():
            out.print(f"{service}: {len(logs)} logs have a new history")


async def _begin(
    services: Sequence[str], settings: StackSettings, dsns: dict[str, str]
) -> Mapping[str, Sequence[str]]:
    begun: dict[str, list[str]] = {}
    for service in services:
        databases = await connect_as(service, settings, dsns, purpose="restored")
        try:
            for database in databases.all():
                async with database.acquire() as conn:
                    begun.setdefault(service, []).extend(await begin_new(conn))
        finally:
            await databases.close()
    return begun
