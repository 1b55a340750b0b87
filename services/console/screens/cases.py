"""Cases as officials meet them: for each kind where it lives, what is shown of it, and the decisions a reviewer may ask for.

The table says how to ask; whether a decision is allowed in its state, and by whom, is the service's to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from services.console.services_client import Answer

How = Literal["place", "day", "moment", "text", "number", "category", "yes", "years"] | str
"""How a field is shown; `code:KIND` by the words of that kind of code."""

_REGISTRY_REASONS = (
    "information_incomplete",
    "documents_unclear",
    "identity_mismatch",
    "not_in_scope",
    "other",
)
_CLAIM_REASONS = (
    "evidence_missing", "evidence_unclear", "wrong_year", "wrong_form", "not_recognised", "counted_already", "other",
)  # fmt: skip
_FILING_REASONS = (
    "plan_incomplete", "content_not_suitable", "teachers_not_suitable", "wrong_place", "wrong_year",
    "credits_not_justified", "organization_not_suitable", "other",
)  # fmt: skip
_ROSTER_REASONS = (
    "not_attended", "proof_missing", "wrong_person", "wrong_credits", "counted_already", "other",
)  # fmt: skip
_TRANSFER_REASONS = (
    "evidence_missing", "evidence_unclear", "information_incorrect", "employment_not_confirmed",
    "enrolment_not_confirmed", "outside_the_place", "other",
)  # fmt: skip
_DOCUMENT_REASONS = ("incomplete", "not_feasible", "wrong_year", "not_compliant", "other")
_ACCOUNT_REASONS = ("not_entitled", "information_wrong", "account_exists", "other")


@dataclass(frozen=True)
class Decision:
    """One decision: its words (`work.decisions.KEY`), the states it fits, the path below the case, the body."""

    key: str
    states: frozenset[str]
    path: str
    says: Mapping[str, str]
    reasons: tuple[str, ...] = ()
    words: str | None = None
    """The field of the body that takes the reviewer's own words."""

    @property
    def passes(self) -> bool:
        """Whether it is for the case; the others say why not."""
        return not self.reasons

    def body(self, form: Mapping[str, str]) -> dict[str, object]:
        """The body of the command for what a form says."""
        told: dict[str, object] = dict(self.says)
        if self.reasons:
            told["reason"] = form.get("reason", "")
        if self.words is not None and form.get("words"):
            told[self.words] = form["words"]
        return told


@dataclass(frozen=True)
class CaseKind:
    """A kind of case: `path` is its address at the service, and `facts` what is shown, in order."""

    key: str
    service: str
    path: str
    scope: str
    facts: tuple[tuple[str, How], ...]
    decisions: tuple[Decision, ...]
    state: str = "state"

    def open_decisions(self, case: Answer) -> list[Decision]:
        """The decisions that fit the case's state."""
        return [each for each in self.decisions if case[self.state] in each.states]


def _in(*states: str) -> frozenset[str]:
    return frozenset(states)


_RESULT = (("reason", "code:reason"), ("note", "text"))
COLLECTION = CaseKind(
    key="collection",
    service="registry",
    path="/v1/collections",
    scope="collection:review",
    facts=(
        ("name", "text"), ("id_type", "code:id_type"), ("id_number", "text"), ("place", "place"), ("employer", "text"),
        ("student", "yes"), ("working_since", "day"), ("submitted_at", "moment"), ("decided_at", "moment"), *_RESULT,
    ),
    decisions=(
        Decision("pass_initially", _in("submitted"), "initial-review", {"decision": "pass"}),
        Decision(
            "return", _in("submitted"), "initial-review", {"decision": "return"}, _REGISTRY_REASONS, "note"
        ),
        Decision("pass_finally", _in("initially_passed"), "final-review", {"decision": "pass"}),
        Decision(
            "return_finally", _in("initially_passed"), "final-review", {"decision": "return"}, _REGISTRY_REASONS, "note"
        ),
    ),
)  # fmt: skip
CHANGE = CaseKind(
    key="change",
    service="registry",
    path="/v1/changes",
    scope="collection:review",
    facts=(("place", "place"), ("employer", "text"), ("submitted_at", "moment"), ("decided_at", "moment"), *_RESULT),
    decisions=(
        Decision("approve", _in("submitted"), "review", {"decision": "approve"}),
        Decision("return", _in("submitted"), "review", {"decision": "return"}, _REGISTRY_REASONS, "note"),
    ),
)  # fmt: skip
CLAIM = CaseKind(
    key="claim",
    service="ledger",
    path="/v1/claims",
    scope="claim:review",
    facts=(
        ("form", "code:form"), ("year", "text"), ("happened_on", "day"), ("role", "code:part"), ("quantity", "number"),
        ("credits", "number"), ("category", "category"), ("clause", "text"), ("place", "place"),
        ("submitted_at", "moment"), ("decided_at", "moment"), ("reason", "code:reason"),
    ),
    decisions=(
        Decision("accept", _in("submitted"), "acceptance", {}),
        Decision("approve", _in("accepted"), "approval", {}),
        Decision("return", _in("submitted", "accepted"), "return", {}, _CLAIM_REASONS),
        Decision("refuse", _in("submitted", "accepted"), "refusal", {}, _CLAIM_REASONS),
    ),
)  # fmt: skip
FILING = CaseKind(
    key="filing",
    service="ledger",
    path="/v1/filings",
    scope="filing:review",
    facts=(
        ("title", "text"), ("year", "text"), ("mode", "code:mode"), ("category", "category"), ("expected", "number"),
        ("place", "place"), ("submitted_at", "moment"), ("due", "day"), ("decided_at", "moment"), ("reason", "code:reason"),
    ),
    decisions=(
        Decision("approve", _in("submitted"), "approval", {}),
        Decision("return", _in("submitted"), "return", {}, _FILING_REASONS),
        Decision("refuse", _in("submitted"), "refusal", {}, _FILING_REASONS),
    ),
)  # fmt: skip
ROSTER = CaseKind(
    key="roster",
    service="ledger",
    path="/v1/rosters",
    scope="filing:review",
    facts=(
        ("year", "text"), ("place", "place"), ("uploaded_at", "moment"), ("due", "day"), ("late", "yes"),
        ("late_reason", "text"), ("clause", "text"),
    ),
    decisions=(
        Decision("approve", _in("open"), "approval", {}),
        Decision("refuse", _in("open"), "refusal", {}, _ROSTER_REASONS),
    ),
)  # fmt: skip
TRANSFER = CaseKind(
    key="transfer",
    service="transfer",
    path="/v1/transfers",
    scope="transfer:review",
    facts=(
        ("from_place", "place"), ("to_place", "place"), ("employer", "text"), ("student", "yes"), ("refusal_text", "text"),
    ),
    decisions=(
        Decision("accept", _in("requested"), "acceptance", {}),
        Decision("approve", _in("accepted", "received"), "approval", {}),
        Decision("refuse", _in("requested", "accepted", "received"), "refusal", {}, _TRANSFER_REASONS, "text"),
    ),
)  # fmt: skip
DOCUMENT_FACTS: tuple[tuple[str, How], ...] = (
    ("kind", "code:case"), ("mode", "code:mode"), ("year", "text"), ("place", "place"), ("submitted_at", "moment"),
    ("due_on", "day"), ("late", "yes"), ("clause", "text"), ("decided_at", "moment"), ("reason", "code:reason"),
)  # fmt: skip
DOCUMENT_DECISIONS = (
    Decision("accept", _in("submitted"), "acceptance", {}),
    Decision("return", _in("submitted"), "return", {}, _DOCUMENT_REASONS),
)
PLAN, REPORT = (
    CaseKind(
        key, "registry", "/v1/yearly-documents", "organization:write", DOCUMENT_FACTS, DOCUMENT_DECISIONS
    )
    for key in ("plan", "report")
)
ACCOUNT = CaseKind(
    key="account",
    service="registry",
    path="/v1/account-requests",
    scope="client:write",
    facts=(("place", "place"),),
    decisions=(Decision("refuse", _in("requested"), "refusal", {}, _ACCOUNT_REASONS),),
)

KINDS: Mapping[str, CaseKind] = {
    each.key: each for each in (COLLECTION, CHANGE, CLAIM, FILING, ROSTER, TRANSFER, PLAN, REPORT, ACCOUNT)
}
