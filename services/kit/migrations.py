"""Migrations, which bring a service's schema to the revision of this release, with alembic and without a file of settings.

Every service keeps its numbered steps in `services/<name>/migrations/versions`; the environment is shared.
"""

from __future__ import annotations

import importlib.util
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic.config import Config

# A service that starts asks for its revision alone: it would wait for the import of alembic a sixth of its time.
_REVISION = re.compile(r"^(revision|down_revision)\b[^=\n]*= *\"([^\"\n]+)\"", re.MULTILINE)
_ENVIRONMENT = Path(__file__).with_name("migration_env")
# Alembic keeps its context in a module; two threads would take each other's.
_ONE_AT_A_TIME = threading.Lock()


def upgrade(service: str, dsn: str, *, schema: str, partitions: int = 0) -> None:
    """Run every missing migration of a service as the schema's owner, and settle the service's privileges.

    Starts an event loop of its own: inside a running loop, call it in a thread. `partitions` is the number
    of hash partitions of the tables keyed by log, 0 for plain tables; it counts when a table is made.
    """
    upgrade_from(versions_of(service), dsn, schema=schema, partitions=partitions)


def upgrade_from(versions: Path, dsn: str, *, schema: str, partitions: int = 0) -> None:
    """`upgrade` for a folder of migrations."""
    from alembic import command

    config = _config(versions)
    config.attributes.update(dsn=dsn, schema=schema, partitions=partitions)
    with _ONE_AT_A_TIME:
        command.upgrade(config, "head")


def head_revision(service: str) -> str:
    """The revision this release of a service needs its schema to be at."""
    return head_of(versions_of(service))


def head_of(versions: Path) -> str:
    """The newest revision of a folder of migrations; LookupError when it holds none."""
    named: dict[str, set[str]] = {"revision": set(), "down_revision": set()}
    for path in versions.glob("*.py"):
        for name, revision in _REVISION.findall(path.read_text(encoding="utf-8")):
            named[name].add(revision)
    heads = named["revision"] - named["down_revision"]
    if len(heads) != 1:
        raise LookupError(f"{versions} holds no migration, or several that are last")
    return heads.pop()


def versions_of(service: str) -> Path:
    """The folder of a service's migrations; LookupError when there is no such service."""
    spec = importlib.util.find_spec(f"services.{service}")
    if spec is None or not spec.submodule_search_locations:
        raise LookupError(f"there is no service {service!r}")
    return Path(spec.submodule_search_locations[0]) / "migrations" / "versions"


def partitions_wanted() -> int:
    """Inside a migration: the number of hash partitions asked for, 0 for plain tables."""
    from alembic import context

    wanted: int = context.config.attributes["partitions"]
    return wanted


def _config(versions: Path) -> Config:
    from alembic.config import Config

    config = Config()
    # Percent signs would be read as interpolation.
    config.set_main_option("script_location", str(_ENVIRONMENT).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(versions).replace("%", "%%"))
    return config
