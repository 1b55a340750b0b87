"""The documentation: what is said twice is the same, tables come from data, and it is built without a network."""

import re
from pathlib import Path

import pytest

from docs import build
from services.cli.sandbox import outcomes_page

DOCS = Path(build.__file__).parent
pytestmark = pytest.mark.quick


def commands(language: str) -> list[str]:
    text = (DOCS / language / "quickstart.md").read_text(encoding="utf-8")
    return re.findall(r"^```bash\n(.*?)^```$", text, re.M | re.S)


def test_both_languages_have_the_same_pages_and_the_same_commands():
    assert {path.name for path in (DOCS / "zh").iterdir()} == {path.name for path in (DOCS / "en").iterdir()}
    assert commands("zh") == commands("en") != []


@pytest.mark.parametrize("language", build.LANGUAGES)
def test_the_table_of_outcomes_is_the_one_of_the_sandbox(language: str):
    assert (DOCS / language / "outcomes.md").read_text(encoding="utf-8") == outcomes_page(language)


def test_a_reference_is_complete_without_a_network(tmp_path: Path):
    build.write_reference(tmp_path)
    for service in build.SERVICES:
        page = (tmp_path / f"{service}.html").read_text(encoding="utf-8")
        assert re.findall(r'(?:src|href)="([^"]+)"', page) == ["redoc.standalone.js"]
        assert '"openapi": "3.1' in page
    assert (tmp_path / "redoc.standalone.js").stat().st_size > 100_000
