"""Words of the policy language: every kind and field has them, and every rule of every notice says what it means."""

import re

from services.ledger.policy import bundled_notices, policy_schema
from services.ledger.policy.document.meaning import meaning_of, setting_words, word_table
from services.ledger.policy.rules import KINDS


class TestWords:
    def test_there_are_for_every_kind_and_every_field(self):
        schema = policy_schema()
        assert {kind.tag for kind in KINDS} <= word_table()["kinds"].keys()
        for part in (schema, *schema["$defs"].values()):
            for field, said in part.get("properties", {}).items():
                assert field == "kind" or re.search("[一-鿿]", said["title"]), (
                    f"{field}: add it to words.yaml"
                )

    def test_there_is_a_meaning_for_every_rule_of_the_notices(self):
        for notice in bundled_notices():
            for clause in notice.clauses:
                for rule in clause.rules:
                    kind, says = meaning_of(rule)
                    assert all(kind)
                    assert all(says) or says == ("", "")

    def test_name_a_setting(self):
        assert setting_words("window.study.online") == ("时间 · 学习 · 网络", "window · study · online")
