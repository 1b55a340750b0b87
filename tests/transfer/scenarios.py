"""Named histories, each built on the one before, with fixed times and people who do not exist."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from contracts.registry import InfoCollected, OrganizationRegistered
from services.cli.demo.fictitious import uscc
from services.transfer.cases.commands import Actor, EvidenceFile, RequestTransfer
from services.transfer.cases.transfer import Transfer
from services.transfer.places import OpenedAuthorities, ProfileHome

SHUANGTA, LONGCHENG, CHAOYANG = "211302", "211303", "211300"
SHENYANG, LIAONING = "210100", "210000"
DALIAN, TAIYUAN, SHANXI = "210202", "140105", "140000"

NOW = datetime(2025, 3, 3, 1, 0, tzinfo=UTC)
"""A Monday, nine in the morning in Shanghai."""
LATER = NOW + timedelta(days=1)

EMPLOYER = uscc(1)
FORMER_EMPLOYER = uscc(2)
SHA256 = "ab" * 32

PERSON = Actor(subject="person-1")
PORTAL = Actor(subject="portal")
ORIGIN = Actor(subject="clerk-o", place=SHUANGTA)
DESTINATION = Actor(subject="clerk-d", place=LONGCHENG)
PREFECTURE = Actor(subject="clerk-p", place=CHAOYANG)
ELSEWHERE = Actor(subject="clerk-e", place=SHENYANG)
FIRM = Actor(subject="firm-client", organization="firm-1")
OTHER_FIRM = Actor(subject="other-client", organization="firm-2")

HOME = ProfileHome(person_id="person-1", place=SHUANGTA, employer=FORMER_EMPLOYER, version=1)
NOBODY_OPENED = OpenedAuthorities()
OPENED = OpenedAuthorities({LIAONING: date(2025, 1, 1), SHANXI: date(2025, 3, 3)})
"""Shanxi opens on the very day of NOW, Dalian never."""

EVIDENCE = (EvidenceFile(name="工作证明.pdf", sha256=SHA256, media_type="application/pdf"),)


def command(**changes: Any) -> RequestTransfer:
    """The person asks to move from 双塔区 to 龙城区."""
    fields: dict[str, Any] = {
        "person_id": "person-1",
        "to_place": LONGCHENG,
        "employer": EMPLOYER,
        "student": False,
        "evidence": list(EVIDENCE),
    }
    return RequestTransfer(**{**fields, **changes})


def request(
    *,
    actor: Actor = PERSON,
    home: ProfileHome = HOME,
    firm: str | None = None,
    now: datetime = NOW,
    **changes: Any,
) -> Transfer:
    """The transfer that comes of the command."""
    return Transfer.request(command(**changes), actor, home, uscc=firm, now=now)


def requested(**changes: Any) -> Transfer:
    """Asked for, waiting at the origin."""
    return request(**changes)


def accepted(**changes: Any) -> Transfer:
    """Accepted by the origin, waiting at the destination."""
    transfer = requested(**changes)
    transfer.decide("accept", ORIGIN, NOW)
    return transfer


def completed() -> Transfer:
    """Approved by the destination."""
    transfer = accepted()
    transfer.decide("approve", DESTINATION, NOW)
    return transfer


def returned() -> Transfer:
    """Refused by the destination."""
    transfer = accepted()
    transfer.decide("refuse", DESTINATION, NOW, reason="evidence_unclear")
    return transfer


def withdrawn() -> Transfer:
    """Taken back by the person."""
    transfer = requested()
    transfer.decide("withdraw", PERSON, NOW)
    return transfer


def collected(person_id: str, place: str = SHUANGTA, employer: str | None = FORMER_EMPLOYER) -> InfoCollected:
    """The registry's word that a person is collected at a place."""
    return InfoCollected(
        person_id=person_id,
        identity_hash="hs256:" + "A" * 43,
        name_hash="hs256:" + "A" * 43,
        place=place,
        employer=employer,
        student=employer is None,
        qualification=None,
        level=None,
        working_since=None,
        affiliation=None,
        groups=(),
        graduated_on=None,
        birth_month=None,
        collected_at=NOW,
    )


def registered(organization_id: str, code: str) -> OrganizationRegistered:
    """The registry's word that an organization has an account."""
    return OrganizationRegistered(organization_id=organization_id, name="甲公司", uscc=code, kind="employer")
