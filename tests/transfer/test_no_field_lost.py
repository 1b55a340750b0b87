"""No field of a transfer is lost on the way: asked for, stored, offered, received, shown and published."""

from datetime import UTC, datetime

import pytest

from contracts.relay import Offer, TravellingPerson
from services.kit.pydantic_models import names_of
from services.transfer.cases.arrival import Arrival
from services.transfer.cases.case import Asked, Case, Opened, request_of
from services.transfer.cases.commands import Actor, EvidenceFile, RequestTransfer
from services.transfer.cases.departure import Departure
from services.transfer.cases.transfer import Transfer
from services.transfer.places import ProfileHome
from services.transfer.publishing import PUBLISHED, Published
from services.transfer.views import TransferView, evidence_part
from tests.transfer.scenarios import LIAONING, LONGCHENG, SHA256, SHANXI, SHUANGTA, TAIYUAN

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
ACTOR = Actor(subject="clerk", place=SHUANGTA, organization=None)
HOME = ProfileHome(person_id="person-1", place=SHUANGTA, employer=None, version=1)
COMMAND = RequestTransfer(
    person_id="person-1",
    to_place=LONGCHENG,
    employer=None,
    student=True,
    evidence=[EvidenceFile(name="study.pdf", sha256=SHA256, media_type="application/pdf")],
)
EVENTS = {
    kind.TOPIC: kind
    for case in (Transfer, Departure, Arrival)
    for kind in vars(case).values()
    if isinstance(kind, type) and getattr(kind, "TOPIC", None)
}


def fields_of_event(kind: type) -> set[str]:
    """The fields that an event of ours says, without those of the library."""
    ours = [each for each in kind.__mro__ if each.__module__.startswith("services.transfer")]
    return {name for each in ours for name in vars(each).get("__annotations__", {})} - {"STATE"}


def test_a_request_fills_every_field_of_its_event():
    told = request_of(COMMAND, ACTOR, HOME, None)

    assert set(told) == fields_of_event(Asked)
    for name in set(names_of(RequestTransfer)) - {"evidence"}:
        assert told[name] == getattr(COMMAND, name)


def test_a_case_knows_and_shows_every_field_of_its_beginning():
    case = Transfer.request(COMMAND, ACTOR, HOME, uscc=None, now=NOW)

    shown = TransferView.of(case, {evidence_part(0): "study.pdf"}, ACTOR, NOW)

    for name in fields_of_event(Opened) - {"evidence"}:
        assert getattr(shown, name) == getattr(case, name), name
    assert shown.evidence[0].model_dump() == COMMAND.evidence[0].model_dump()


def test_what_is_offered_is_received():
    offer = Offer(
        transfer_id="transfer-1",
        from_authority=SHANXI,
        from_place=TAIYUAN,
        to_authority=LIAONING,
        to_place=SHUANGTA,
        employer=None,
        student=True,
        evidence=({"sha256": SHA256, "media_type": "application/pdf"},),
        accepted_at=NOW,
        person=TravellingPerson(id_type="passport", id_number="E00000000", name="Ann Example"),
    )

    case = Arrival.receive(offer, person_id="person-1", now=NOW)

    for name in set(names_of(Offer)) & fields_of_event(Arrival.Received) - {"evidence"}:
        assert getattr(case, name) == getattr(offer, name), name
    assert case.evidence == [each.model_dump() for each in offer.evidence]


@pytest.mark.parametrize(("topic", "published"), PUBLISHED.items(), ids=PUBLISHED)
def test_a_published_event_has_a_source_for_every_field(topic: str, published: Published):
    stored = fields_of_event(EVENTS[topic])
    authorities = {f"{end}_authority" for end in ("from", "to") if f"{end}_place" in stored}
    told = stored | authorities | {"transfer_id", published.moment} | ({"end"} if published.end else set())

    assert set(published.event.model_fields) <= told


def test_every_case_is_among_those():
    assert {case.__name__ for case in (Transfer, Departure, Arrival)} == {
        case.__name__ for case in _leaves(Case)
    }


def _leaves(kind: type) -> list[type]:
    below = kind.__subclasses__()
    return [leaf for each in below for leaf in _leaves(each)] if below else [kind]
