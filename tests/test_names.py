"""Names: modules and classes are called by nouns that mean one thing."""

import ast
import re

import pytest

from tests.test_tidy import SERVICES, name, nothing, python, tree

QUESTIONS = re.compile(r"(What(ever)?|Whether|How|Who(ever|m|se)?|When|Where|Which|Why)\b")
ACTIONS = re.compile(
    r"(Is|Are|Does|From|To|Looks|Rebuilds|Registers|Brings|Makes|Gets|Puts|Keeps|Checks|Reads|Writes|Runs|Tells|Says|Gives"
    r"|Takes|Turns|Finds|Holds|Leaving|Arriving)\b"
)
PARTICIPLES = re.compile(r"(?!feed$)[a-z]*ed|made|held|said|kept|told|sent|given|taken|known|shown")


class TestNames:
    def test_modules_are_called_by_a_noun(self):
        """A docstring that begins with a question word or a verb says what a module answers or does, not what it is."""
        nothing([name(path) for path in python() if QUESTIONS.match(ast.get_docstring(tree(path)) or "")])
        nothing(
            [name(path) for path in python("services/") if ACTIONS.match(ast.get_docstring(tree(path)) or "")]
        )

    def test_modules_have_no_participle_for_a_name(self):
        """`held` or `moved` is a riddle: one has to open the file to know of what."""
        allowed = {
            "services/ledger/policy/rules/shown.py"
        }  # the kinds that are only shown: there is no better noun
        nothing(
            [
                name(path)
                for path in python("services/")
                if PARTICIPLES.fullmatch(path.stem)
                if name(path) not in allowed
            ]
        )

    @pytest.mark.parametrize("service", [*SERVICES, "kit", "cli"])
    def test_a_name_of_a_class_means_one_thing_in_a_service(self, service: str):
        found: dict[str, list[str]] = {}
        for path in python(f"services/{service}/"):
            for node in tree(path).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found.setdefault(node.name, []).append(name(path))
        nothing([f"{each}: {' and '.join(places)}" for each, places in found.items() if len(places) > 1])
