"""Enrolments on the day they are made: who may enrol for the year, and what the mode asks of the enrolment."""

from datetime import date
from typing import Any, ClassVar

import pytest

from services.ledger.policy import (
    Enrolled,
    Person,
    Policy,
    ProviderStanding,
    Rejected,
    admit_enrolment,
    admit_terms,
)
from tests.ledger.policy.builders import (
    BEIJING,
    DONGAO,
    STRANGER,
    Given,
    accredited,
    credit,
    deferred,
    policy,
)
from tests.ledger.policy.drafts import book, draft

SOMEBODY = Person(person_id="p", place=BEIJING, qualified_on=date(2019, 5, 1))
HERE = accredited(BEIJING, 2030, 2031)
WINDOW = {"channel": "automatic", "from": "2031-04-01", "until": "2031-06-01"}


def with_make_up(*rules: dict[str, Any], **window: Any) -> Policy:
    """The year 2030 under the rules, made up in the spring of 2031."""
    make_up = {"kind": "make_up", "years": {"from": 2030, "to": 2030}, "windows": [WINDOW | window]}
    later = draft(make_up, year=2031, issued_on="2031-03-01", name="beijing-2031")
    return policy(BEIJING, 2030, book(draft(*rules), later))


def enrolled(
    on: str, mode: str = "online", paid: str | None = None, provider: str = "accredited"
) -> Enrolled:
    paid_on = date.fromisoformat(paid) if paid else None
    return Enrolled(
        enrolment_id="e", provider=provider, mode=mode, enrolled_on=date.fromisoformat(on), paid_on=paid_on
    )


class TestWhoMayEnrol:
    """Whoever may teach the year, or its make-up in this mode."""

    def told(
        self, made: Policy | None, provider: ProviderStanding, mode: str = "online", on: str = "2031-05-01"
    ) -> tuple[str, dict[str, str]] | None:
        found = admit_enrolment(made, provider, SOMEBODY, 2030, mode, date.fromisoformat(on))
        return (found.problem, dict(found.details)) if found is not None else None

    def test_is_nobody_where_no_notice_speaks(self):
        assert self.told(None, HERE) == ("no-policy", {"place": BEIJING, "year": "2030"})

    @pytest.mark.parametrize(
        ("window", "mode", "problem"),
        [
            ({}, "face_to_face", None),
            ({"modes": ["face_to_face"]}, "face_to_face", None),
            ({"modes": ["online"]}, "face_to_face", "mode-not-allowed"),
            ({"channel": "application"}, "face_to_face", "mode-not-allowed"),
            ({"modes": ["face_to_face"]}, "online", None),
        ],
    )
    def test_of_a_mode_is_whoever_teaches_the_year_or_its_make_up(
        self, window: dict[str, Any], mode: str, problem: str | None
    ):
        teaches = accredited(BEIJING, 2030, 2031, modes=("online", "face_to_face"))
        told = self.told(with_make_up({"kind": "modes", "allowed": ["online"]}, **window), teaches, mode)

        assert (told[0] if told is not None else None) == problem

    def test_is_told_why_by_the_year_s_own_rule(self):
        assert self.told(with_make_up(), STRANGER) == (
            "provider-not-accredited", {"year": "2030", "mode": "online"}
        )  # fmt: skip

    def test_is_one_accredited_for_some_category_of_which_study_could_follow(self):
        listed = {
            "kind": "providers",
            "rule": "listed",
            "list": [{"name": DONGAO.name}],
            "for": {"categories": ["public"]},
        }
        made = policy(BEIJING, 2030, book(draft(listed)))

        assert self.told(made, DONGAO, on="2030-05-01") is None
        assert self.told(made, STRANGER, on="2030-05-01") is not None


class TestWhatTheModeAsks:
    ENROL: ClassVar[dict[str, Any]] = {"kind": "window", "act": "enrol", "until": "2030-06-30"}

    def told(self, made: Policy, who: Enrolled, **account: Any) -> str | None:
        found = admit_terms(made, who, SOMEBODY, Given(BEIJING, 2030, **account).account)
        return found.problem if isinstance(found, Rejected) else None

    @pytest.mark.parametrize(
        ("on", "window", "problem"),
        [
            ("2030-06-30", {}, None),
            ("2030-07-01", {}, "enrol-closed"),
            ("2031-04-01", {}, None),
            ("2031-06-02", {}, "enrol-closed"),
            ("2031-04-01", {"modes": ["online"]}, None),
            ("2031-04-01", {"modes": ["face_to_face"]}, "enrol-closed"),
            ("2031-04-01", {"channel": "application"}, "enrol-closed"),
            ("2031-04-01", {"conditions": ["enrolled"]}, "make-up-for-enrolled"),
        ],
    )
    def test_is_its_window_unless_a_make_up_is_open(
        self, on: str, window: dict[str, Any], problem: str | None
    ):
        assert self.told(with_make_up(self.ENROL, **window), enrolled(on)) == problem

    @pytest.mark.parametrize(
        ("until", "problem"),
        [("2031-04-30", "make-up-for-enrolled"), ("2031-05-31", None), (None, "make-up-for-enrolled")],
    )
    def test_in_the_time_that_a_deferral_gives_is_that_of_the_year(
        self, until: str | None, problem: str | None
    ):
        """A-14: what the make-up is closed to is still enrolled for the year itself, by the deferral's last day."""
        made = with_make_up(self.ENROL, conditions=["enrolled"])
        given = {"deferred": deferred(until)} if until is not None else {}

        assert self.told(made, enrolled("2031-05-01"), **given) == problem

    @pytest.mark.parametrize(("on", "problem"), [("2030-06-30", None), ("2030-07-01", "enrol-closed")])
    def test_is_not_cut_short_by_a_deferral_that_ends_inside_its_window(self, on: str, problem: str | None):
        made = policy(BEIJING, 2030, book(draft(self.ENROL)))

        assert self.told(made, enrolled(on), deferred=deferred("2030-03-31")) == problem

    def test_is_the_same_provider_where_the_year_has_one(self):
        one = policy(BEIJING, 2030, book(draft({"kind": "provider_choice", "one_a_year": True})))
        taken = [credit("30", on="2030-03-01", provider="another")]

        assert self.told(one, enrolled("2030-05-01"), credits=taken) == "other-provider-this-year"
        assert self.told(one, enrolled("2030-05-01", provider="another"), credits=taken) is None

    def test_is_payment_in_time(self):
        pays = policy(BEIJING, 2030, book(draft({"kind": "window", "act": "pay", "until": "enrolment+7d"})))

        assert self.told(pays, enrolled("2030-05-01", paid="2030-05-08")) is None
        assert self.told(pays, enrolled("2030-05-01", paid="2030-05-09")) == "pay-closed"
