"""Sign-in of a stack without an issuer of its own: the stand-in's entry, and fictitious people of every role to be there."""

from collections.abc import Iterable

import yaml

from contracts.sign_in import Role
from services.cli.state_dir import StateDir
from services.stand_ins.sign_in.entry import issuer_of
from services.stand_ins.sign_in.people import SignInPerson, write_people

_PLACES = (
    ("100000", "全国"),
    ("210000", "辽宁省"),
    ("210102", "沈阳市和平区"),
    ("211302", "朝阳市双塔区"),
    ("210200", "大连市"),
    ("140000", "山西省"),
    ("440000", "广东省"),
)
_OFFICIALS: tuple[tuple[Role, str, str], ...] = (
    ("reviewer", "a", "初审"),
    ("reviewer", "b", "复审"),
    ("supervisor", "c", "主管"),
    ("viewer", "d", "统计"),
)


def officials() -> list[SignInPerson]:
    """Officials of some places, two reviewers each, since nobody decides twice; and an operator."""
    found = [
        SignInPerson(
            sub=f"{role}-{letter}-{place}", name=f"{name}{title}员", role=role, note=name, place=place
        )
        for place, name in _PLACES
        for role, letter, title in _OFFICIALS
    ]
    operator = SignInPerson(sub="operator", name="运行值班员", role="operator", note="全国", place="100000")
    return [*found, operator]


def introduce(home: StateDir, cast: Iterable[SignInPerson]) -> None:
    """Let the fictitious people of a stack be signed in as, beside the officials."""
    write_people(home.sign_in_people_file, [*officials(), *cast])


def write_sign_in(home: StateDir, address: str) -> None:
    """Write the files of issuers and of people; people that are there already stay."""
    told = {"issuers": [issuer_of(address).model_dump(mode="json", exclude_none=True)]}
    home.sign_in_issuers_file.write_text(yaml.safe_dump(told, allow_unicode=True), encoding="utf-8")
    if not home.sign_in_people_file.exists():
        write_people(home.sign_in_people_file, officials())
