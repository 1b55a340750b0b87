"""The handover is what arrives: every field of an account travels, and parts merge in any order."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.handover import (
    HandedAccount,
    HandedCredit,
    HandedDeferral,
    HandedExam,
    HandedExemption,
    HandedSpecialReason,
    HandedWaiting,
    Handover,
    JudgedYear,
)
from services.kit import events as codec
from services.ledger.moving.supplements import account_arrived, handed_account, handed_judgement, judgements
from services.ledger.policy import Account, Credit, Deferral, Exemption, PassedExam, SpecialReason, Waiting
from services.ledger.streams import account as accounts
from services.ledger.streams.account_events import AccountArrived
from services.ledger.streams.profile_events import Judgement

NOW = datetime(2025, 6, 1, tzinfo=UTC)
moments = st.integers(1_704_067_200, 1_767_225_600).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
days = st.dates(date(2024, 1, 1), date(2025, 12, 31))
amounts = st.decimals(Decimal("0.01"), Decimal(360), places=2)
codes = st.sampled_from(["professional", "public"])
ids = st.sampled_from([f"id-{number}" for number in range(6)])
providers = st.sampled_from(["organization-1", "organization-2"])


@st.composite
def credit(draw: st.DrawFn, credit_id: str) -> Credit:
    """A credit as its log awarded it, ended or not."""
    state = draw(st.sampled_from(["registered", "registered", "withdrawn", "revoked"]))
    return Credit(
        credit_id=credit_id,
        category=draw(st.sampled_from(["professional", "public", "any"])),
        credits=draw(amounts),
        mode=draw(st.sampled_from(["online", "face_to_face", "equivalence"])),
        provider=draw(st.none() | providers),
        completed_at=draw(moments),
        registered_at=draw(moments),
        completion_id=f"of-{credit_id}",
        course=draw(st.sampled_from(["", "ZJ-01"])),
        tier=draw(st.none() | st.just("junior")),
        make_up=draw(st.booleans()),
        late=draw(st.booleans()),
        place="210100",
        route=draw(st.sampled_from(["provider", "roster", "claim", "direct", "import"])),
        form=draw(st.none() | st.just("paper")),
        fill=draw(st.sampled_from([(), ("professional", "public")])),
        fact=draw(st.none() | st.just("f" * 32)),
        confirmed_by=draw(st.sampled_from([(), ("direct",)])),
        state=state,
        reason=None if state == "registered" else "cheating",
        ended_at=None if state == "registered" else draw(moments),
        recognised_at=draw(st.none() | moments),
    )


@st.composite
def waiting(draw: st.DrawFn, completion_id: str) -> Waiting:
    """A completion that waits."""
    return Waiting(
        completion_id=completion_id,
        provider=draw(providers),
        category=draw(codes),
        credits=draw(amounts),
        mode="online",
        completed_at=draw(moments),
        reason=draw(st.sampled_from(["below_total", "exam_pending", "evaluation_pending"])),
        held_at=draw(moments),
        clause=draw(st.none() | st.just("S2B-07")),
        course=draw(st.sampled_from(["", "ZJ-01"])),
        title=draw(st.none() | st.just("政府会计准则")),
        tier=draw(st.none() | st.just("senior")),
        started_on=draw(st.none() | days),
        exam_passed_at=draw(st.none() | moments),
        evaluated_at=draw(st.none() | moments),
        hours=draw(st.none() | amounts),
        content="digest",
    )


@st.composite
def account(draw: st.DrawFn) -> Account:
    """An account with anything in it but enrolments, which stay."""
    credit_ids = draw(st.lists(ids, unique=True, max_size=4))
    waiting_ids = draw(st.lists(ids, unique=True, max_size=2))
    exempt = st.builds(
        Exemption,
        reason=st.just("illness"),
        authority=st.just("210000"),
        granted_on=days,
        until=st.none() | days,
    )
    deferred = st.builds(
        Deferral,
        until=days,
        reason=st.just("abroad"),
        authority=st.just("210000"),
        granted_on=days,
        clause=st.none() | st.just("S0-22"),
    )
    special_reason = st.builds(
        SpecialReason,
        reason=st.just("illness"),
        authority=st.just("211300"),
        granted_on=days,
        ended_on=st.none() | days,
    )
    exams = st.builds(
        PassedExam, provider=providers, passed_at=moments, of=st.sampled_from(["exam", "evaluation"])
    )
    return Account(
        person_id="person-1",
        year=2025,
        credits=[draw(credit(each)) for each in credit_ids],
        waiting=[draw(waiting(f"w-{each}")) for each in waiting_ids],
        exams=draw(
            st.lists(exams, max_size=2, unique_by=lambda each: (each.provider, each.passed_at, each.of))
        ),
        exempt=draw(st.none() | exempt),
        deferred=draw(st.none() | deferred),
        special_reason=draw(st.none() | special_reason),
        enrolments=[],
    )


def over_the_wire(of: Account, sequence: int = 0) -> AccountArrived:
    """What arrives of an account that was handed over as JSON, as it is stored."""
    handover = Handover(
        transfer_id="transfer-1",
        sequence=sequence,
        from_authority="210000",
        from_place="210100",
        to_place="140500",
        left_at=NOW,
        accounts=(handed_account(of),),
    )
    read = Handover.model_validate_json(handover.model_dump_json())
    assert read == handover
    event = account_arrived(read.accounts[0], read, of.person_id, NOW)
    stored = codec.decode(event.TOPIC, codec.encode(event))
    assert isinstance(stored, AccountArrived)
    return stored


FIELDS: list[tuple[type[Any], type[Any], dict[str, str]]] = [
    (Credit, HandedCredit, {"provider": "provider_id"}),
    (Waiting, HandedWaiting, {"provider": "provider_id"}),
    (PassedExam, HandedExam, {"provider": "provider_id"}),
    (Exemption, HandedExemption, {}),
    (Deferral, HandedDeferral, {}),
    (SpecialReason, HandedSpecialReason, {}),
    (Judgement, JudgedYear, {}),
]


class TestTravel:
    @pytest.mark.parametrize(("ours", "handed", "renamed"), FIELDS)
    def test_every_field_has_its_place_in_the_contract(
        self, ours: type[Any], handed: type[Any], renamed: dict[str, str]
    ):
        """Whoever gives an account something new must let it travel."""
        assert {renamed.get(name, name) for name in ours.__struct_fields__} == set(handed.model_fields)

    def test_every_part_of_an_account_travels_but_its_enrolments(self):
        """What they were for is registered, or the person could not leave (S2C-14)."""
        stay = {"person_id", "enrolments", "merged_into"}
        assert set(Account.__struct_fields__) - stay == set(HandedAccount.model_fields) - {"taken_back"}

    @settings(max_examples=100, deadline=None)
    @given(of=account())
    def test_what_arrives_is_what_was_there(self, of: Account):
        """Credits are valid in the whole country as they were awarded (S1-04)."""
        arrived = accounts.evolve(accounts.empty("person-1", 2025), over_the_wire(of))
        assert arrived == of

    def test_a_judged_year_keeps_its_source_and_an_authority_s_own_does_not_come_back(self):
        judged = Judgement(
            year=2024,
            status="compliant",
            total=Decimal("90.00"),
            by_category={"professional": Decimal("60.00"), "public": Decimal("30.00")},
            place="140500",
            judged_on=date(2025, 6, 1),
            policy="sha256:" + "0" * 64,
        )
        handed = [JudgedYear.model_validate_json(handed_judgement(judged).model_dump_json())]
        assert judgements(handed, "210000") == (judged,)
        assert judgements(handed, "140000") == ()


class TestMerging:
    @settings(max_examples=100, deadline=None)
    @given(data=st.data())
    def test_parts_come_to_the_same_in_any_order_and_however_often(self, data: st.DataObject):
        """A supplement says of a credit that it stands, or that it ended: what ended never stands again."""
        first = data.draw(account())
        ended = Account(
            person_id="person-1",
            year=2025,
            credits=[data.draw(ending(each)) for each in first.credits],
        )
        parts = [over_the_wire(first, 1), over_the_wire(ended, 2)]
        results = []
        for order in (parts, parts[::-1], [*parts, *parts], [*parts[::-1], *parts]):
            here = accounts.empty("person-1", 2025)
            for part in order:
                accounts.evolve(here, part)
            results.append(
                {each.credit_id: (each.state, each.reason, each.ended_at) for each in here.credits}
            )
        assert all(result == results[0] for result in results)


@st.composite
def ending(draw: st.DrawFn, of: Credit) -> Credit:
    """The same credit, perhaps ended since."""
    fields = {name: getattr(of, name) for name in of.__struct_fields__}
    if of.state == "registered" and draw(st.booleans()):
        fields |= {"state": "withdrawn", "reason": "reported_in_error", "ended_at": draw(moments)}
    return Credit(**fields)
