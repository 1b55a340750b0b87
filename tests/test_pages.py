"""Pages for people, held to the tree they describe: ids that lead somewhere, links and modules that exist."""

import re
from pathlib import Path

from tests.test_tidy import ROOT, files, name, nothing, text

ID = re.compile(r"\b(?:(?:S[0-9][A-Z]?|[ABCN])-[0-9]{2}|design [0-9]+)\b")
ROW = re.compile(r"^\| ((?:S[0-9][A-Z]?|[ABC])-[0-9]{2}) \|", re.M)
NOTICES = ROOT / "services/ledger/notices"
ABOUT_IDS = {"tests/test_pages.py", "tests/ledger/test_fact_table.py"}
"""Tests of ids: those they name are examples."""


ARCHITECTURE_BYTES_MAX = 16_000
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
MODULE = re.compile(r"`([a-z0-9_/]+\.py)`")


def defined_ids() -> set[str]:
    """Facts of the notices, decisions where they are silent, clauses of the national rule, and how the house is built."""
    decisions = text(ROOT / "ARCHITECTURE.md").partition("## Decisions")[2]
    return {
        *ROW.findall(text(ROOT / "services/ledger/FACTS.md")),
        *ROW.findall(text(NOTICES / "DECISIONS.md")),
        *re.findall(r"^  - id: (N-[0-9]{2})$", text(NOTICES / "national_2018_10.yaml"), re.M),
        *(f"design {number}" for number in re.findall(r"^([0-9]+)\. \*\*", decisions, re.M)),
    }


def pages() -> list[Path]:
    return [path for path in files() if path.suffix == ".md"]


def cited_ids(*rooms: str) -> dict[str, str]:
    """Every id that a file in the rooms names, and the first that does; pages that define ids aside."""
    tables = {"services/ledger/FACTS.md", "services/ledger/notices/DECISIONS.md"}
    found: dict[str, str] = {}
    for path in files():
        if name(path).startswith(rooms) and name(path) not in tables | ABOUT_IDS:
            for cited in ID.findall(" ".join(text(path).split())):
                found.setdefault(cited, name(path))
    return found


class TestPages:
    def test_the_architecture_holds_what_the_whole_house_needs_and_no_more(self):
        assert len(text(ROOT / "ARCHITECTURE.md").encode()) <= ARCHITECTURE_BYTES_MAX

    def test_every_link_leads_to_a_file(self):
        nothing(
            [
                f"{name(page)}: {link}"
                for page in pages()
                for link in LINK.findall(text(page))
                if "://" not in link and not (page.parent / link).exists()
            ]
        )

    def test_every_module_that_is_named_exists(self):
        known = ["/" + name(path) for path in files()]
        nothing(
            [
                f"{name(page)}: {module}"
                for page in pages()
                for module in MODULE.findall(text(page))
                if not any(path.endswith("/" + module) for path in known)
            ]
        )


class TestIds:
    def test_every_id_leads_to_a_page(self):
        known = defined_ids()
        cited = cited_ids("services/", "contracts/", "tests/", "deploy/")
        nothing(
            [f"{place}: {cited_id}" for cited_id, place in sorted(cited.items()) if cited_id not in known]
        )

    def test_a_decision_is_not_built_as_long_as_nothing_names_it(self):
        """Whoever builds one cites its id, and takes the words away."""
        rows = re.findall(r"^\| ([ABC]-[0-9]{2}) \|(.*)", text(NOTICES / "DECISIONS.md"), re.M)
        unbuilt = {decision for decision, row in rows if "*Not built yet.*" in row}
        nothing([f"{named} is cited" for named in sorted(unbuilt & cited_ids("services/", "tests/").keys())])
