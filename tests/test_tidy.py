"""The house rules that a linter does not know, each as a test that names every offender."""

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from contracts.identifiers import check_resident_id
from services.cli.demo.fictitious import is_fictitious

ROOT = Path(__file__).parents[1]
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 400
ANY_IN_A_THOUSAND_LINES = 6
SERVICES = ("registry", "ledger", "transfer", "sync", "console")

KIT_IS_ABOUT_NO = {
    "person", "persons", "credit", "credits", "provider", "providers", "policy", "policies", "notice", "notices",
    "adcode", "province", "transfer", "transfers", "completion", "completions", "compliance", "compliant",
    "enrolment", "enrolments", "exemption", "accounting", "accountant", "course", "qualification", "employer",
    "transcript", "accreditation", "obligation", "makeup",
}  # fmt: skip
"""The words of the domain; `claim` is left out, as every token has claims."""
KIT_MAY_SAY = ("RateLimit-Policy", "transfer-encoding", "--locale-provider", "transfer_url")
"""A header, an option of PostgreSQL, and the address of a service."""

HOSTS = {
    "json-schema.org", "www.apache.org", "127.0.0.1", "ausm.mof.gov.cn", "kj.gdczt.gov.cn", "www.kjzx.cn",
    "ggfw.gdhrss.gov.cn", "adlnet.gov", "218.60.151.138", "www.w3.org",
}  # fmt: skip
"""The hosts that may be named: of schemas, namespaces, licences, of this machine, and those the notices name themselves."""
OUR_HOSTS = re.compile(r"(.+\.)?(example(\.(org|com|net|gov\.cn))?|invalid|test)|[a-z-]+|\{.*")
"""Reserved names, service names without a dot, and placeholders."""
URL = re.compile(r"\bhttps?://(?:[^/@\s\"']*@)?([^/:\s\"'`)>\];]+)")
LOCK_FILES = {"uv.lock", "poetry.lock", "Pipfile.lock", "package-lock.json", "yarn.lock", "pnpm-lock.yaml"}

SQL = re.compile(
    r"\b(select\b.+\bfrom|insert\s+into|update\b.+\bset|delete\s+from|create\s+table|lock\s+table)\b",
    re.I | re.S,
)
LEFT_UNDONE = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
RESIDENT_ID = re.compile(r"(?<![0-9A-Za-z])[0-9]{17}[0-9Xx](?![0-9A-Za-z])")


@cache
def files() -> tuple[Path, ...]:
    """Everything that is, or is about to be, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        found = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    else:
        rooms = ("contracts", "services", "tests", "deploy")
        found = [*ROOT.glob("*"), *(path for room in rooms for path in (ROOT / room).rglob("*"))]
    return tuple(sorted(path for path in found if path.is_file() and "__pycache__" not in path.parts))


@cache
def text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(text(path), filename=str(path))


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(tree(path)))


@pytest.fixture(scope="module", autouse=True)
def trees_are_let_go() -> Iterator[None]:
    yield
    tree.cache_clear()
    nodes.cache_clear()


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def python(*rooms: str) -> list[Path]:
    return [path for path in files() if path.suffix == ".py" and name(path).startswith(rooms or ("",))]


def imported(path: Path) -> Iterator[str]:
    """The modules a file imports, also inside functions; `from a import b` gives `a.b`."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importing(room: str, *forbidden: str) -> list[str]:
    pattern = re.compile(rf"({'|'.join(map(re.escape, forbidden))})(\.|$)")
    return [
        f"{name(path)}: {module}"
        for path in python(room)
        for module in imported(path)
        if pattern.match(module)
    ]


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return ast.unparse(node) if isinstance(node, ast.Attribute) else ""


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in nodes(path) if isinstance(node, ast.Call))


def where(path: Path, node: ast.AST) -> str:
    return f"{name(path)}:{getattr(node, 'lineno', 1)}"


def nothing(offenders: list[str]) -> None:
    assert not offenders, "\n" + "\n".join(dict.fromkeys(offenders))


class TestShape:
    def test_functions_are_short(self):
        nothing(
            [
                f"{where(path, node)} {node.name}"
                for path in python()
                for node in nodes(path)
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES_MAX
            ]
        )

    def test_files_are_short(self):
        long = [name(path) for path in python() if len(text(path).splitlines()) > FILE_LINES_MAX]
        nothing([each for each in long if each != "clients/python/src/xuefen_client/models.py"])

    def test_modules_say_what_they_are_for(self):
        nothing([name(path) for path in python() if not ast.get_docstring(tree(path))])

    def test_any_is_rare(self):
        """What may be anything is checked by nobody; the number only falls."""
        uses = [
            node
            for path in python("services/")
            for node in nodes(path)
            if isinstance(node, ast.Name) and node.id == "Any"
        ]
        lines = sum(len(text(path).splitlines()) for path in python("services/"))
        assert 1000 * len(uses) / lines < ANY_IN_A_THOUSAND_LINES

    def test_nothing_is_left_for_later(self):
        nothing([name(path) for path in python() if LEFT_UNDONE.search(text(path))])


class TestBoundaries:
    @pytest.mark.parametrize("service", SERVICES)
    def test_services_never_import_each_other(self, service: str):
        others = [f"services.{other}" for other in (*SERVICES, "cli") if other != service]
        nothing(importing(f"services/{service}/", *others))

    def test_the_kit_imports_no_service_and_no_contract(self):
        nothing(importing("services/kit/", *(f"services.{room}" for room in (*SERVICES, "cli")), "contracts"))

    def test_contracts_import_no_service_and_of_the_kit_the_check_digits_alone(self):
        allowed = "services.kit.check_digits"
        nothing([each for each in importing("contracts/", "services") if allowed not in each])

    def test_nothing_that_ships_imports_the_tests(self):
        nothing(importing("services/", "tests") + importing("contracts/", "tests"))

    def test_the_kit_holds_no_word_of_the_domain(self):
        nothing(
            [f"{name(path)}: {word}" for path in python("services/kit/") for word in domain_words(text(path))]
        )

    def test_routes_hold_no_sql(self):
        nothing(
            [
                where(path, node)
                for path in python("services/")
                if any(dotted(call.func).endswith("Router") for call in calls(path))
                for node in nodes(path)
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.search(node.value)
                if node.value != ast.get_docstring(tree(path), clean=False)
            ]
        )


def domain_words(source: str) -> list[str]:
    """The words of the domain in a source, whole words only, also as parts of snake_case and CamelCase."""
    for allowed in KIT_MAY_SAY:
        source = source.replace(allowed, "")
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", source)
    return sorted(KIT_IS_ABOUT_NO.intersection(re.findall(r"[a-z]+", parts.lower())))


def bases_of(node: ast.ClassDef) -> set[str]:
    return {dotted(base).rpartition(".")[2] for base in node.bases}


def event_classes() -> Iterator[tuple[Path, ast.ClassDef]]:
    """Stored events: classes below `Event`, or `Created` of a library aggregate, found by the names of their bases, service
    by service."""
    for service in (*SERVICES, "kit"):
        classes = [
            (path, node)
            for path in python(f"services/{service}/")
            for node in nodes(path)
            if isinstance(node, ast.ClassDef) and node.name != "Event"
        ]
        events = {"Event", "Created"}
        while further := {node.name for _, node in classes if bases_of(node) & events} - events:
            events |= further
        yield from ((path, node) for path, node in classes if bases_of(node) & events)


def pinned(node: ast.ClassDef) -> str | None:
    for line in node.body:
        targets = line.targets if isinstance(line, ast.Assign) else [getattr(line, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == "TOPIC" for target in targets):
            value = getattr(line, "value", None)
            return value.value if isinstance(value, ast.Constant) else None
    return None


def topics() -> Iterator[tuple[str, str]]:
    """Every pinned stored name and where it is pinned."""
    for path, node in event_classes():
        if topic := pinned(node):
            yield topic, where(path, node)
    for path in python("services/"):
        for call in calls(path):
            if dotted(call.func).rpartition(".")[2] == "event":
                for keyword in call.keywords:
                    if keyword.arg == "topic" and isinstance(keyword.value, ast.Constant):
                        yield keyword.value.value, where(path, call)


class TestEvents:
    def test_every_stored_event_has_a_pinned_name(self):
        # A class that only others derive from is never stored.
        bases = {base for _, node in event_classes() for base in bases_of(node)}
        nothing(
            [
                where(path, node)
                for path, node in event_classes()
                if pinned(node) is None and node.name not in bases
            ]
        )

    def test_every_event_of_a_library_aggregate_has_a_pinned_name(self):
        nothing(
            [
                where(path, call)
                for path in python(*(f"services/{service}/" for service in SERVICES))
                for call in calls(path)
                if dotted(call.func) in {"event", "domain.event"}
                if not any(keyword.arg == "topic" for keyword in call.keywords)
                if not (
                    call.args and isinstance(call.args[0], ast.Name)
                )  # an event class, pinned where it stands
            ]
        )

    def test_pinned_names_are_unique_and_never_a_path(self):
        found: dict[str, str] = {}
        for topic, place in topics():
            assert re.fullmatch(rf"({'|'.join(SERVICES)})\.[A-Z][A-Za-z]+", topic), place
            assert topic not in found, f"{place} takes the name of {found[topic]}"
            found[topic] = place

    def test_no_event_holds_a_float(self):
        published = [
            (path, node)
            for path in python("contracts/")
            for node in nodes(path)
            if isinstance(node, ast.ClassDef)
        ]
        nothing(
            [
                where(path, line)
                for path, node in [*event_classes(), *published]
                for line in node.body
                if isinstance(line, ast.AnnAssign) and re.search(r"\bfloat\b", ast.unparse(line.annotation))
            ]
        )

    def test_credits_are_never_floats(self):
        nothing(
            [
                where(path, node)
                for path in python("services/", "contracts/")
                for node in nodes(path)
                if isinstance(node, ast.AnnAssign | ast.arg)
                and node.annotation
                and "credits"
                in ast.unparse(node.target if isinstance(node, ast.AnnAssign) else ast.Name(node.arg))
                and re.search(r"\bfloat\b", ast.unparse(node.annotation))
            ]
        )


NAIVE: dict[str, Callable[[ast.Call], bool]] = {
    "datetime.now": lambda call: not call.args and not call.keywords,
    "datetime.fromtimestamp": lambda call: len(call.args) + len(call.keywords) < 2,
    "datetime.utcnow": lambda _: True,
    "datetime.utcfromtimestamp": lambda _: True,
    "datetime.today": lambda _: True,
    "date.today": lambda _: True,
}


class TestHabits:
    def test_no_time_without_a_zone(self):
        nothing(
            [
                where(path, call)
                for path in python()
                for call in calls(path)
                for naive, is_naive in NAIVE.items()
                if dotted(call.func) in {naive, f"datetime.{naive}"} and is_naive(call)
            ]
        )

    def test_services_do_not_print(self):
        rooms = ("contracts/", *(f"services/{room}/" for room in (*SERVICES, "kit")))
        nothing(
            [
                where(path, call)
                for path in python(*rooms)
                for call in calls(path)
                if dotted(call.func) == "print"
            ]
        )


class TestWhatIsCommitted:
    def test_names_no_host_beyond_those_of_the_notices(self):
        nothing(
            [
                f"{name(path)}: {host}"
                for path in files()
                for host in URL.findall(text(path))
                if host not in HOSTS and not OUR_HOSTS.fullmatch(host)
            ]
        )

    def test_names_no_path_of_this_machine(self):
        paths = {str(ROOT), str(Path.home())} - {"/", "/root"}
        nothing([f"{name(path)}: {at}" for path in files() for at in paths if at in text(path)])

    def test_holds_no_lock_file_with_addresses(self):
        locks = [path for path in files() if path.name in {*LOCK_FILES, "requirements.lock"}]
        assert locks
        nothing([name(path) for path in locks if "://" in text(path) or '"resolved"' in text(path)])

    def test_holds_no_resident_id_that_could_be_somebody_s(self):
        nothing(
            [
                name(path)
                for path in files()
                for number in RESIDENT_ID.findall(text(path))
                if check_resident_id(number, on=date(2100, 1, 1)) is None and not is_fictitious(number)
            ]
        )
