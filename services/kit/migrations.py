"""Brings a service's schema to the revision of this release, with alembic and without a file of settings.

Every service keeps its numbered steps in `services/<name>/migrations/versions`; the environment is shared.
"""

import importlib.util
import threading
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from alembic.script import ScriptDirectory

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
    config = _config(versions)
    config.attributes.update(dsn=dsn, schema=schema, partitions=partitions)
    with _ONE_AT_A_TIME:
        command.upgrade(config, "head")


def head_revision(service: str) -> str:
    """The revision this release of a service needs its schema to be at."""
    return head_of(versions_of(service))


def head_of(versions: Path) -> str:
    """The newest revision of a folder of migrations; LookupError when it holds none."""
    head = ScriptDirectory.from_config(_config(versions)).get_current_head()
    if head is None:
        raise LookupError(f"{versions} holds no migration")
    return head


def versions_of(service: str) -> Path:
    """The folder of a service's migrations; LookupError when there is no such service."""
    spec = importlib.util.find_spec(f"services.{service}")
    if spec is None or not spec.submodule_search_locations:
        raise LookupError(f"there is no service {service!r}")
    return Path(spec.submodule_search_locations[0]) / "migrations" / "versions"


def partitions_wanted() -> int:
    """Inside a migration: the number of hash partitions asked for, 0 for plain tables."""
    wanted: int = context.config.attributes["partitions"]
    return wanted


def _config(versions: Path) -> Config:
    config = Config()
    # Percent signs would be read as interpolation.
    config.set_main_option("script_location", str(_ENVIRONMENT).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(versions).replace("%", "%%"))
    return config
