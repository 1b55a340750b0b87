"""The policy engine: notices as data, what they say together about a place and a year, and pure judgements by it.

Nothing here touches a database, a clock or the network; only `document/parse.py` reads files. `CODE.md` is the map.
"""

from services.ledger.policy.book import PolicyBook, bundled_book
from services.ledger.policy.book_faults import Replaced, book_faults, replaced_by
from services.ledger.policy.document.notice import Clause, Notice, notice_as_data, notice_hash
from services.ledger.policy.document.parse import (
    NoticeError,
    NoticeFault,
    bundled_notices,
    line_of,
    parse_notice,
    read_notice,
)
from services.ledger.policy.document.schema import policy_schema
from services.ledger.policy.judging.admission import admit
from services.ledger.policy.judging.assessment import Assessment, Status, assess, next_change_on
from services.ledger.policy.judging.awards import (
    AUTHORITY_TRAINING,
    STUDY,
    ProvenStudy,
    award,
    award_organised,
    award_study,
    used_up,
)
from services.ledger.policy.judging.counting import NotCounted
from services.ledger.policy.judging.enrolments import admit_enrolment, admit_terms
from services.ledger.policy.judging.policy_day import Deadline, MakeUpOffer, MakeUpResult
from services.ledger.policy.judging.purposes import PurposeAssessment, assess_purpose
from services.ledger.policy.judging.release import reconsidered, release, released
from services.ledger.policy.judging.requirements import Carried, EarlierYear, Missing, RequirementResult
from services.ledger.policy.judging.wording import REJECTIONS, rejection_words
from services.ledger.policy.language.facts import (
    Account,
    Accreditation,
    Category,
    CompletionFacts,
    Credit,
    CreditCategory,
    CreditState,
    Decision,
    Deferral,
    Enrolled,
    Exemption,
    Held,
    HoldReason,
    PassedExam,
    Person,
    ProviderStanding,
    Registered,
    Rejected,
    ReportedStudy,
    Route,
    SpecialReason,
    Study,
    Waiting,
    WaitingReason,
)
from services.ledger.policy.language.findings import Finding
from services.ledger.policy.language.rule import Reporter
from services.ledger.policy.language.settings import Sourced
from services.ledger.policy.policy import Policy
from services.ledger.policy.rules.direct_registration import registered_directly
from services.ledger.policy.rules.equivalence import Activity, Award
from services.ledger.policy.rules.obligation import first_obliged_year, last_obliged_year
from services.ledger.policy.rules.purpose import PurposeTerms, purpose_terms
from services.ledger.policy.rules.relief import Granted, granted_for
from services.ledger.policy.rules.route import may_bring
from services.ledger.policy.rules.shown import hold_clause
from services.ledger.policy.rules.units import HourCredits, credits_of_hours, hours_within, to_cents
from services.ledger.policy.warnings import warnings

__all__ = [
    "AUTHORITY_TRAINING",
    "REJECTIONS",
    "STUDY",
    "Account",
    "Accreditation",
    "Activity",
    "Assessment",
    "Award",
    "Carried",
    "Category",
    "Clause",
    "CompletionFacts",
    "Credit",
    "CreditCategory",
    "CreditState",
    "Deadline",
    "Decision",
    "Deferral",
    "EarlierYear",
    "Enrolled",
    "Exemption",
    "Finding",
    "Granted",
    "Held",
    "HoldReason",
    "HourCredits",
    "MakeUpOffer",
    "MakeUpResult",
    "Missing",
    "NotCounted",
    "Notice",
    "NoticeError",
    "NoticeFault",
    "PassedExam",
    "Person",
    "Policy",
    "PolicyBook",
    "ProvenStudy",
    "ProviderStanding",
    "PurposeAssessment",
    "PurposeTerms",
    "Registered",
    "Rejected",
    "Replaced",
    "ReportedStudy",
    "Reporter",
    "RequirementResult",
    "Route",
    "Sourced",
    "SpecialReason",
    "Status",
    "Study",
    "Waiting",
    "WaitingReason",
    "admit",
    "admit_enrolment",
    "admit_terms",
    "assess",
    "assess_purpose",
    "award",
    "award_organised",
    "award_study",
    "book_faults",
    "bundled_book",
    "bundled_notices",
    "credits_of_hours",
    "first_obliged_year",
    "granted_for",
    "hold_clause",
    "hours_within",
    "last_obliged_year",
    "line_of",
    "may_bring",
    "next_change_on",
    "notice_as_data",
    "notice_hash",
    "parse_notice",
    "policy_schema",
    "purpose_terms",
    "read_notice",
    "reconsidered",
    "registered_directly",
    "rejection_words",
    "release",
    "released",
    "replaced_by",
    "to_cents",
    "used_up",
    "warnings",
]
