"""The policy engine: notices as data, what they say together about a place and a year, and pure judgements by it.

Nothing here touches a database, a clock or the network; only `files.py` reads files.
"""

from services.ledger.policy.book import PolicyBook
from services.ledger.policy.document.files import bundled_book, bundled_notices, read_notice
from services.ledger.policy.document.notice import Clause, Notice, notice_as_data, notice_hash
from services.ledger.policy.document.parse import NoticeError, NoticeFault, line_of, parse_notice
from services.ledger.policy.document.schema import policy_schema
from services.ledger.policy.doubts import Doubt, doubts
from services.ledger.policy.judging.admission import admit, reconsidered, release, released, unknown_category
from services.ledger.policy.judging.assessment import Assessment, Status, assess
from services.ledger.policy.judging.awards import Activity, Award, award, used_up
from services.ledger.policy.judging.carrying import Carried, Earlier
from services.ledger.policy.judging.counting import NotCounted
from services.ledger.policy.judging.enrolments import admit_enrolment, admit_terms
from services.ledger.policy.judging.policy_day import Deadline, MakeUp, MakeUpOffer
from services.ledger.policy.judging.proven_study import STUDY, ProvenStudy, award_study
from services.ledger.policy.judging.purposes import (
    PurposeAssessment,
    PurposeTerms,
    assess_purpose,
    purpose_terms,
)
from services.ledger.policy.judging.reassessment import next_change_on
from services.ledger.policy.judging.rejections import REJECTIONS, rejection_words
from services.ledger.policy.judging.requirements import Missing, Requirement
from services.ledger.policy.language.categories import Category, CreditCategory
from services.ledger.policy.language.decisions import Decision, Held, Registered, Rejected
from services.ledger.policy.language.facts import (
    Account,
    Accreditation,
    CompletionFacts,
    Credit,
    CreditState,
    Deferral,
    Enrolled,
    ExamPass,
    Exemption,
    HoldReason,
    Person,
    ProviderStanding,
    ReportedStudy,
    Route,
    Study,
    Waiting,
    WaitingReason,
)
from services.ledger.policy.policy import Policy, Sourced
from services.ledger.policy.rules.obligation import (
    Granted,
    first_obliged_year,
    granted_for,
    last_obliged_year,
)
from services.ledger.policy.rules.route import Reporter, may_bring, registered_directly
from services.ledger.policy.rules.units import credits_of_hours, hours_within, to_cents
from services.ledger.policy.rules.window import outside

__all__ = [
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
    "Doubt",
    "Earlier",
    "Enrolled",
    "ExamPass",
    "Exemption",
    "Granted",
    "Held",
    "HoldReason",
    "MakeUp",
    "MakeUpOffer",
    "Missing",
    "NotCounted",
    "Notice",
    "NoticeError",
    "NoticeFault",
    "Person",
    "Policy",
    "PolicyBook",
    "ProvenStudy",
    "ProviderStanding",
    "PurposeAssessment",
    "PurposeTerms",
    "Registered",
    "Rejected",
    "ReportedStudy",
    "Reporter",
    "Requirement",
    "Route",
    "Sourced",
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
    "award_study",
    "bundled_book",
    "bundled_notices",
    "credits_of_hours",
    "doubts",
    "first_obliged_year",
    "granted_for",
    "hours_within",
    "last_obliged_year",
    "line_of",
    "may_bring",
    "next_change_on",
    "notice_as_data",
    "notice_hash",
    "outside",
    "parse_notice",
    "policy_schema",
    "purpose_terms",
    "read_notice",
    "reconsidered",
    "registered_directly",
    "rejection_words",
    "release",
    "released",
    "to_cents",
    "unknown_category",
    "used_up",
]
