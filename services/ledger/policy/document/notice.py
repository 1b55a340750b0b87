"""A notice (通知) as data: its head, its clauses and their rules, and the hash of what it says."""

import hashlib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Union

import msgspec
import yaml
from msgspec import Meta

from services.ledger.policy.language.facts import ACCOUNTING
from services.ledger.policy.language.rule import Adcode, ClauseId, Code, Part, Rule, Text, Years
from services.ledger.policy.rules import KINDS

if TYPE_CHECKING:
    AnyRule = Rule
else:
    AnyRule = Union[tuple(kind.rule for kind in KINDS)]  # noqa: UP007


class Clause(Part, frozen=True):
    """条款: 原文要点与其含义。A clause: where it stands, its words in short, and the rules they make.

    A clause without rules is information. `years` overrides the notice's own years for this clause alone (S1-22).
    """

    id: ClauseId
    article: Annotated[str, Meta(max_length=40, description="所在条目, 如 五 或 三(一)。")]
    text: Text
    years: Years | None = None
    rules: Annotated[tuple[AnyRule, ...], Meta(max_length=50)] = ()
    note: Text | None = None


class Notice(Part, frozen=True, kw_only=True):
    """通知: 一份文件。One document of one place.

    `years` are the credit years it governs. `standalone: false` marks a framework that judges nobody by itself. Where
    the text has no issue date, `effective_from` orders it among others. `excludes` lists places it does not reach.
    `replaces` names the document that was published under the same id for other years, and that it does away with. `regime`
    is the duty it is about: notices of one regime say nothing of another.
    """

    regime: Annotated[Code, Meta(description="制度, 如 institute; 不写为会计人员继续教育。")] = ACCOUNTING
    id: Annotated[str, Meta(pattern="^[a-z][a-z0-9-]{2,59}$", description="文件标识, 如 chaoyang-2024-6。")]
    title: Text
    place: Adcode
    years: Years
    document: Annotated[str, Meta(max_length=60, description="文号, 如 朝财〔2024〕6号。")] | None = None
    issuers: Annotated[tuple[Text, ...], Meta(min_length=1)]
    issued_on: date | None = None
    effective_from: date | None = None
    disclosure: Text | None = None
    addressed_to: tuple[Text, ...] = ()
    basis: tuple[Text, ...] = ()
    forwards: Text | None = None
    excludes: tuple[Adcode, ...] = ()
    replaces: Text | None = None
    standalone: bool = True
    source_grade: Annotated[str, Meta(pattern="^[ABC]{1,2}$")] = "A"
    note: Text | None = None
    clauses: Annotated[tuple[Clause, ...], Meta(min_length=1, max_length=500)]

    @property
    def label(self) -> str:
        """How the notice is cited: its number, or its title where it has none."""
        return self.document or self.title

    @property
    def dated(self) -> date:
        """The day that orders notices of one place: of issue, else of effect."""
        day = self.issued_on or self.effective_from
        assert day is not None, "the parser refuses a notice without any date"
        return day


def notice_hash(notice: Notice) -> str:
    """`sha256:` over the canonical JSON of what the notice says: comments, layout and key order do not matter."""
    plain = canonical(msgspec.to_builtins(notice, builtin_types=(Decimal,)))
    return "sha256:" + hashlib.sha256(msgspec.json.encode(plain, order="deterministic")).hexdigest()


def notice_as_data(notice: Notice) -> dict[str, object]:
    """The notice as plain JSON data, which `parse_notice` reads back to an equal notice."""
    data: dict[str, object] = msgspec.to_builtins(notice)
    return data


def notice_as_yaml(notice: Notice) -> str:
    """A YAML file that says what the notice says; the comments and the layout of its own file are not kept."""
    return str(yaml.safe_dump(notice_as_data(notice), allow_unicode=True, sort_keys=False, width=110))


def canonical(value: object) -> object:
    """Builtins with every decimal written one way (90, 90.0 and '90.00' are the same)."""
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, Mapping):
        return {key: canonical(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [canonical(part) for part in value]
    return value
