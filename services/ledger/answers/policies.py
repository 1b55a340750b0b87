"""Policies in force for a place and year, as an answer: every value with where it comes from."""

from typing import Any

import msgspec
from pydantic import BaseModel

from services.kit.pydantic_models import view
from services.ledger.policy import Policy
from services.ledger.policy.policy import Basis


class SettingAnswer(BaseModel):
    """One value and its source."""

    setting: str
    value: Any
    clause: str
    document: str
    place: str
    article: str
    text: str


class NoticeAnswer(BaseModel):
    """A notice that takes part."""

    id: str
    document: str
    place: str
    hash: str


class PolicyAnswer(BaseModel):
    """A resolved policy. `ordinary` is false for a year that only a make-up clause names; `basis` is `national` where the
    nation's framework alone judges, `provisional` until a notice is published or the authority says that none will come
    (B-20)."""

    place: str
    year: int
    hash: str
    ordinary: bool
    basis: Basis
    provisional: bool
    notices: list[NoticeAnswer]
    settings: list[SettingAnswer]


def policy_answer(policy: Policy, prefix: str | None = None) -> PolicyAnswer:
    """The policy's values in order of their names, all or those that begin with a prefix."""
    return view(
        PolicyAnswer,
        policy,
        notices=[view(NoticeAnswer, ref) for ref in policy.notices],
        settings=[
            view(SettingAnswer, sourced, setting=name, value=msgspec.to_builtins(sourced.value))
            for name, sourced in (*sorted(policy.settings.items()), *policy.for_some.items())
            if prefix is None or name.startswith(prefix)
        ],
    )
