"""The floors of each service: its rooms from the lowest up, and no import that runs up or sideways.

A room is a folder, or a file directly in the service. It imports rooms of lower floors only, also inside functions, so that
no two rooms of one floor know each other and nothing below knows what is built on it.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]

FLOORS: dict[str, tuple[str, ...]] = {
    "services/ledger": (
        "policy settings",
        "streams",
        "store web",
        "intake",
        "cases",
        "officials reactions",
        "moving scenarios",
        "answers",
        "counting",
        "composition",
        "app worker",
    ),
    "services/ledger/policy": (
        "language",
        "rules",
        "document policy",
        "resolve",
        "book",
        "warnings book_faults",
        "difference judging",
    ),
    "services/registry": (
        "streams",
        "store web",
        "personal_data",
        "worklists",
        "organizations people",
        "accounts bulk moves",
        "sandbox settings",
        "composition",
        "app worker",
    ),
    "services/transfer": (
        "places problems publishing tables",
        "cases settings",
        "peers projection views",
        "queries reactions rebuild",
        "application",
        "api composition process",
        "app worker",
    ),
    "services/sync": (
        "problems tables targets",
        "adapters settings",
        "delivering pulling webhooks",
        "recording",
        "reconciling viewing",
        "composition",
        "api worker",
        "app",
    ),
    "services/cli": (
        "children contracts provider ready settings",
        "serve state_dir",
        "databases key_file sign_in sync",
        "audit doctor identity keys notice_files rebuild restore stack",
        "sandbox",
        "main policy_diff",
        "demo policy",
    ),
    "services/console": (
        "charts documents settings words",
        "services_client sessions",
        "issuers pages",
        "web",
        "screens signing_in",
        "composition",
        "app",
    ),
    "services/stand_ins": ("relay sign_in targets",),
}
"""Each service's rooms, one string a floor, the lowest first. A room with floors of its own has a line of its own."""

FRONTS = {"services/ledger/policy"}
"""Packages whose `__init__` offers to others what the rooms hold: it stands above all floors, and no room asks it."""

NOT_ROOMS = {"migrations"}
"""Migrations stay as they were when they ran, and nobody imports them."""

HEADING = "\n## Floors\n"
ROW = re.compile(r"^\| *(\d+) *\|([^|]+)\|", re.M)


class Arrow(NamedTuple):
    """An import from one room into another, and where it stands."""

    room: str
    other: str
    where: str


def rooms(folder: Path) -> dict[str, list[Path]]:
    """The files of each room; `__init__` is the package itself."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder).parts[0].removesuffix(".py")
        if name not in NOT_ROOMS:
            found.setdefault(name, []).append(path)
    return found


@cache
def imported(path: Path) -> list[tuple[int, str]]:
    """Every module a file imports, wherever in the file, with its line; of `from a import b` it is a.b."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found += ((node.lineno, f"{node.module}.{name.name}") for name in node.names)
    return found


def arrows(folder: Path, package: str) -> Iterator[Arrow]:
    known = rooms(folder)
    for room, paths in known.items():
        for path in paths:
            for line, module in imported(path):
                other = module.removeprefix(f"{package}.").split(".")[0]
                if module.startswith(f"{package}.") and other != room:
                    yield Arrow(
                        room, other if other in known else "__init__", f"{path.relative_to(folder)}:{line}"
                    )


def upward(arrows: Iterable[Arrow], floors: Sequence[str], *, front: bool = False) -> list[str]:
    """Every import that does not lead to a lower floor, said so that one knows what to move."""
    floor = {room: number for number, names in enumerate(floors) for room in names.split()}
    floor["__init__"] = len(floors) if front else -1
    return [
        f"{where}: {room} (floor {floor[room]}) imports {other} (floor {floor[other]})"
        for room, other, where in arrows
        if floor[other] >= floor[room]
    ]


def mutual(arrows: Iterable[Arrow]) -> list[str]:
    found = {(room, other) for room, other, _ in arrows}
    return sorted(f"{one} and {other}" for one, other in found if one < other and (other, one) in found)


def named_floors(folder: Path) -> list[list[str]]:
    """The floors as the section `## Floors` of the room's page has them: a table of number, rooms, and what they hold."""
    pages = [folder / name for name in ("README.md", "CODE.md")]
    texts = [page.read_text(encoding="utf-8") for page in pages if page.exists()]
    sections = [text.split(HEADING, 1)[1].split("\n## ")[0] for text in texts if HEADING in text]
    assert len(sections) == 1, f"{folder}: one page has a section `## Floors`"
    rows = ROW.findall(sections[0])
    assert [int(number) for number, _ in rows] == list(range(len(rows))), f"{folder}: counted from 0"
    return [sorted(re.findall(r"`(\w+)(?:\.py|/)?`", names)) for _, names in rows]


@pytest.mark.parametrize("house", FLOORS)
class TestEveryHouse:
    def test_has_each_room_on_one_floor(self, house: str):
        listed = [room for names in FLOORS[house] for room in names.split()]

        assert sorted(listed) == sorted(rooms(ROOT / house).keys() - {"__init__"})

    def test_has_no_import_that_runs_up(self, house: str):
        broken = upward(arrows(ROOT / house, house.replace("/", ".")), FLOORS[house], front=house in FRONTS)

        assert not broken, "\n".join(["these imports do not lead to a lower floor:", *broken])

    def test_has_no_two_rooms_that_import_each_other(self, house: str):
        assert mutual(arrows(ROOT / house, house.replace("/", "."))) == []

    def test_names_its_floors_in_the_same_order_on_its_page(self, house: str):
        assert named_floors(ROOT / house) == [sorted(names.split()) for names in FLOORS[house]]


class TestAHouseOfTwoRooms:
    @pytest.fixture
    def house(self, tmp_path: Path) -> Path:
        (tmp_path / "cellar.py").write_text("from house import attic as top\n")
        (tmp_path / "attic").mkdir()
        (tmp_path / "attic" / "trunk.py").write_text("def open():\n    import house.cellar\n")
        return tmp_path

    def test_is_told_which_import_breaks_which_floor(self, house: Path):
        broken = upward(arrows(house, "house"), ("cellar", "attic"))

        assert broken == ["cellar.py:1: cellar (floor 0) imports attic (floor 1)"]

    def test_is_told_of_an_import_inside_a_function(self, house: Path):
        broken = upward(arrows(house, "house"), ("attic", "cellar"))

        assert broken == ["attic/trunk.py:2: attic (floor 0) imports cellar (floor 1)"]

    def test_is_told_of_rooms_of_one_floor_that_know_each_other(self, house: Path):
        assert len(upward(arrows(house, "house"), ("attic cellar",))) == 2
        assert mutual(arrows(house, "house")) == ["attic and cellar"]

    def test_may_have_a_front_that_no_room_asks(self, house: Path):
        (house / "__init__.py").write_text("from house.attic import trunk\n")
        (house / "attic" / "trunk.py").write_text("from house.cellar import wine\n")
        (house / "cellar.py").write_text("from house import trunk\n")
        broken = upward(arrows(house, "house"), ("cellar", "attic"), front=True)

        assert broken == ["cellar.py:1: cellar (floor 0) imports __init__ (floor 2)"]

    def test_is_told_of_a_package_that_imports_its_rooms(self, house: Path):
        (house / "__init__.py").write_text("import house.cellar\n")

        assert upward(arrows(house, "house"), ("attic", "cellar"))[0].startswith("__init__.py:1")
