"""Every refusal of the policy engine as a problem type with the engine's own code and words."""

from services.kit.errors import Problem
from services.ledger.policy import REJECTIONS, Rejected, rejection_words


def _problem_class(code: str) -> type[Problem]:
    words = REJECTIONS[code]
    name = "".join(part.capitalize() for part in code.split("-")) + "Error"
    body = {
        "__doc__": f"{words.title_en}.",
        "__module__": __name__,
        "code": code,
        "status": 422,
        "title_zh": words.title_zh,
        "title_en": words.title_en,
    }
    return type(name, (Problem,), body)


REFUSALS: dict[str, type[Problem]] = {code: _problem_class(code) for code in REJECTIONS}


def refusal_of(rejected: Rejected) -> Problem:
    """The problem that tells a provider why a record was refused, by which clause."""
    _, detail_zh = rejection_words(rejected, "zh")
    _, detail_en = rejection_words(rejected, "en")
    return REFUSALS[rejected.problem](detail_zh, detail_en, clause=rejected.clause)
