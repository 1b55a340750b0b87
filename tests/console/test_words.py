"""Words of the pages: every string in both languages, every key that is used there, and no word in a template itself."""

import re
from pathlib import Path

from services.console import words
from services.console.screens.table import SCREENS
from tests.test_tidy import ROOT, nothing

CONSOLE = ROOT / "services/console"
CHINESE = re.compile(r"[\u4e00-\u9fff]")
USED = re.compile(r"""\b(?:t|words)\(\s*['"]([a-z_]+\.[a-z_.]+(?<!\.))['"]""")
CODED = re.compile(r"""t\.code\('([a-z_]+)'|parts\.status\(t, '([a-z_]+)'""")
TAGS = re.compile(r"{#.*?#}|{%.*?%}|{{.*?}}|<[^>]*>", re.S)
LANGUAGE_NAMES = {"English", "中文"}


def sources() -> list[Path]:
    return [*CONSOLE.glob("templates/**/*.html"), *CONSOLE.glob("**/*.py")]


class TestTable:
    def test_has_every_string_in_chinese_and_in_english(self):
        nothing(
            [
                f"{key}: {zh} / {en}"
                for key, (zh, en) in words.table().items()
                if not zh.strip() or not en.strip() or CHINESE.search(en) or zh == en
            ]
        )

    def test_has_the_same_blanks_in_both(self):
        nothing(
            [
                key
                for key, (zh, en) in words.table().items()
                if set(re.findall(r"{\w+}", zh)) != set(re.findall(r"{\w+}", en))
            ]
        )

    def test_has_every_key_that_is_used(self):
        used = {key for path in sources() for key in USED.findall(path.read_text(encoding="utf-8"))}
        used |= {f"titles.{screen.key}" for screen in SCREENS}

        nothing(sorted(used - words.table().keys()))

    def test_has_words_for_every_kind_of_code_that_is_shown(self):
        kinds = {
            next(filter(None, found))
            for path in sources()
            for found in CODED.findall(path.read_text(encoding="utf-8"))
        }
        known = {key.split(".")[1] for key in words.table() if key.startswith("codes.")}

        nothing(sorted(kinds - known))


class TestTemplates:
    def test_hold_no_words_of_their_own(self):
        """A sentence in a template would be there in one language alone."""
        found = []
        for path in CONSOLE.glob("templates/**/*.html"):
            left = TAGS.sub(" ", path.read_text(encoding="utf-8"))
            found += [
                f"{path.name}: {text}"
                for text in re.findall(r"[A-Za-z\u4e00-\u9fff][A-Za-z\u4e00-\u9fff ]+", left)
                if text.strip() not in LANGUAGE_NAMES
            ]
        nothing(found)
