"""Decisions of the registry's aggregates, without a database: given events, when a command, then events or a refusal."""

from datetime import UTC, date, datetime
from functools import partial
from uuid import UUID

import pytest

from contracts.registry import Qualification
from services.registry.settings import RegistrySettings
from services.registry.streams.account import SCOPES, Client, hash_of_secret, is_secret, new_secret
from services.registry.streams.actor import Actor
from services.registry.streams.collection import FINAL, INITIAL
from services.registry.streams.organization import Organization
from services.registry.streams.person import Person
from services.registry.streams.problems import (
    AlreadyAccreditedError,
    CollectionExistsError,
    CollectionNotPendingError,
    NotAccreditedError,
    NotAProviderError,
    OutsidePlaceError,
    OwnSubmissionError,
    SameReviewerError,
    ScopeNotGrantableError,
    StandingTakenError,
)
from services.registry.streams.profile import Profile

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
CLERK = Actor("clerk", SCOPES, place="211300")
CHIEF = Actor("chief", SCOPES, place="211300")
HEAD = Actor("head", SCOPES, place="210000")
COUNTY = Actor("county", SCOPES, place="211302")
STRANGER = Actor("stranger", SCOPES, place="210200")
PROFILE = Profile(
    "hs256:n",
    "211302",
    qualifications=(Qualification(level="junior", obtained_on=date(2020, 9, 1)),),
    working_since=date(2019, 7, 1),
)
CASE = UUID("11111111-1111-4111-8111-111111111111")


def submitted() -> Person:
    return Person.submit(collection_id=CASE, identity_hash="hs256:i", profile=PROFILE, by=CLERK, at=NOW)


def initially_passed() -> Person:
    person = submitted()
    person.pass_review(INITIAL, by=CHIEF, at=NOW)
    return person


def collected() -> Person:
    person = initially_passed()
    person.pass_review(FINAL, by=HEAD, at=NOW)
    return person


def returned() -> Person:
    person = submitted()
    person.return_to_submitter(INITIAL, reason="other", by=CHIEF, at=NOW)
    return person


def provider(kind: str = "provider") -> Organization:
    return Organization.register(
        name="示例", uscc="91210000XUEFEN001D", kind=kind, place="211302", by=CLERK, at=NOW
    )


def accredited(place: str = "211300") -> Organization:
    organization = provider()
    organization.accredit(place=place, years=[2026], modes=["online"], published=True, by=CLERK, at=NOW)
    return organization


def names(aggregate: Person | Organization | Client) -> list[str]:
    return [type(event).__name__ for event in aggregate.collect_events()]


class TestPerson:
    def test_a_submission_and_two_reviews_are_three_facts(self) -> None:
        assert names(collected()) == ["CollectionSubmitted", "InitialReviewPassed", "InfoCollected"]

    def test_the_first_event_claims_the_document(self) -> None:
        (event,) = submitted().collect_events()
        assert event.identity == "person:hs256:i"  # type: ignore[attr-defined]

    def test_what_is_collected_is_what_was_submitted_last(self) -> None:
        person = returned()
        person.resubmit(profile=Profile("hs256:m", "211303", student=True), by=CLERK, at=NOW)
        person.pass_review(INITIAL, by=CHIEF, at=NOW)
        person.pass_review(FINAL, by=HEAD, at=NOW)
        profile = person.collect_events()[-1].profile  # type: ignore[attr-defined]
        assert (profile["name_hash"], profile["place"], profile["student"]) == ("hs256:m", "211303", True)

    @pytest.mark.parametrize("decide", ["pass", "return"])
    @pytest.mark.parametrize("step", [INITIAL, FINAL])
    @pytest.mark.parametrize(
        ("by", "refusal"),
        [(STRANGER, OutsidePlaceError), (CLERK, OwnSubmissionError),
         (Actor("firm", SCOPES, place="211300", organization="org"), OutsidePlaceError),
         (Actor("nobody", SCOPES), OutsidePlaceError)],
    )  # fmt: skip
    def test_is_decided_by_another_official_of_the_place(
        self, decide: str, step: str, by: Actor, refusal: type[Exception]
    ) -> None:
        person = submitted() if step == INITIAL else initially_passed()
        command = (
            partial(person.pass_review, step)
            if decide == "pass"
            else partial(person.return_to_submitter, step, reason="other")
        )
        names(person)
        with pytest.raises(refusal):
            command(by=by, at=NOW)
        assert names(person) == []

    def test_is_not_decided_finally_by_who_passed_it_initially(self) -> None:
        with pytest.raises(SameReviewerError):
            initially_passed().pass_review(FINAL, by=CHIEF, at=NOW)

    @pytest.mark.parametrize("person", [collected, returned, initially_passed])
    def test_is_decided_once(self, person: object) -> None:
        decided: Person = person()  # type: ignore[operator]
        with pytest.raises(CollectionNotPendingError):
            decided.pass_review(INITIAL, by=CHIEF, at=NOW)

    @pytest.mark.parametrize("person", [collected, submitted, initially_passed])
    def test_is_submitted_again_after_a_return_only(self, person: object) -> None:
        known: Person = person()  # type: ignore[operator]
        with pytest.raises(CollectionExistsError):
            known.resubmit(profile=PROFILE, by=CLERK, at=NOW)


class TestOrganization:
    def test_years_and_modes_are_stored_in_order(self) -> None:
        organization = provider()
        organization.accredit(
            place="211300", years=[2027, 2026], modes=["other", "online"], published=True, by=CLERK, at=NOW
        )
        assert organization.accreditations[0].years == (2026, 2027)
        assert organization.accreditations[0].modes == ("online", "other")

    def test_an_unpublished_accreditation_may_be_published_later(self) -> None:
        organization = provider()
        for published in (False, True):
            organization.accredit(
                place="211300", years=[2026], modes=["online"], published=published, by=CLERK, at=NOW
            )
        assert names(organization) == ["OrganizationRegistered", "ProviderAccredited", "ProviderAccredited"]

    def test_the_same_again_is_refused(self) -> None:
        organization = accredited()
        with pytest.raises(AlreadyAccreditedError):
            organization.accredit(
                place="211300", years=[2026], modes=["online"], published=True, by=CLERK, at=NOW
            )

    def test_an_employer_is_not_accredited(self) -> None:
        with pytest.raises(NotAProviderError):
            provider("employer").accredit(
                place="211300", years=[2026], modes=["online"], published=True, by=CLERK, at=NOW
            )

    @pytest.mark.parametrize("held", ["210000", "211300", "211302"])
    def test_is_disqualified_where_an_accreditation_above_or_below_reaches(self, held: str) -> None:
        organization = provider()
        nation = Actor("nation", SCOPES, place="100000")
        organization.accredit(place=held, years=[2026], modes=["online"], published=True, by=nation, at=NOW)
        organization.disqualify(
            place="211300", from_date=date(2026, 3, 1), reason="quality", by=CLERK, at=NOW
        )
        assert names(organization)[-1] == "ProviderDisqualified"

    def test_is_not_disqualified_where_it_has_nothing_to_lose(self) -> None:
        organization = accredited("211303")
        with pytest.raises(NotAccreditedError):
            organization.disqualify(
                place="211302", from_date=date(2026, 3, 1), reason="quality", by=CLERK, at=NOW
            )

    def test_a_disqualification_reaches_every_place_under_it(self) -> None:
        organization = accredited()
        organization.disqualify(
            place="211300", from_date=date(2026, 3, 1), reason="quality", by=CLERK, at=NOW
        )
        with pytest.raises(StandingTakenError):
            organization.accredit(
                place="211302", years=[2027], modes=["online"], published=True, by=CLERK, at=NOW
            )


class TestClient:
    def test_an_official_gives_what_it_holds_within_its_place(self) -> None:
        client = Client.register(
            scopes=["compliance:read"], place="211302", organization=None, by=CLERK, at=NOW
        )
        assert client.scopes == {"compliance:read"}

    def test_an_official_cannot_give_more_than_it_holds(self) -> None:
        poor = Actor("poor", frozenset({"client:write"}), place="211300")
        with pytest.raises(ScopeNotGrantableError):
            Client.register(scopes=["policy:write"], place="211302", organization=None, by=poor, at=NOW)

    @pytest.mark.parametrize(
        "scope", ["collection:review", "organization:write", "client:write", "policy:write"]
    )
    def test_an_organization_never_holds_an_officials_scope(self, scope: str) -> None:
        with pytest.raises(ScopeNotGrantableError):
            Client.register(scopes=[scope], place=None, organization=provider(), by=COUNTY, at=NOW)

    def test_a_secret_is_known_by_its_hash(self) -> None:
        secret = new_secret()
        assert is_secret(secret, hash_of_secret(secret))
        assert not is_secret(secret + "x", hash_of_secret(secret))
        assert not is_secret("", None)

    def test_a_secret_is_kept_by_the_algorithm_of_the_profile_and_known_by_either(self) -> None:
        """国密: SM3, GB/T 32905, whose published digest of `abc` is this one."""
        kept = hash_of_secret("abc", "sm3")
        assert kept == "sm3:66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
        assert is_secret("abc", kept)
        assert not is_secret("abd", kept)
        settings = RegistrySettings(registry_database_url="postgresql://nowhere", crypto_profile="gm")
        assert settings.secret_digest == "sm3"
