"""What the rules of counting must make sense of: limits that go together, days that exist, names given once."""

from collections.abc import Iterator

from services.ledger.policy.document.notice import AnyRule
from services.ledger.policy.document.schema_faults import SchemaFault
from services.ledger.policy.judging.purposes import Purpose
from services.ledger.policy.language.days import day_of
from services.ledger.policy.rules.obligation import Relief
from services.ledger.policy.rules.requirement import CarryOver, Categories, Requirement


def of_counting(rule: AnyRule, pointer: str) -> Iterator[SchemaFault]:
    """Everything in a rule about how much, for how long or for what that cannot be meant."""
    match rule:
        case CarryOver() if rule.up_to is not None and not (rule.allowed and rule.categories):
            yield SchemaFault(
                f"{pointer}/up_to",
                "carry_over",
                "up_to 须与 allowed: true 和 categories 同写",
                "up_to goes with allowed: true and with categories",
            )
        case Relief() if rule.until is not None and (
            rule.effect != "deferred" or day_of(rule.until, 2023) is None or day_of(rule.until, 2024) is None
        ):
            yield SchemaFault(
                f"{pointer}/until",
                "relief",
                "until 须为存在的日期，且只与 effect: deferred 同写",
                "until is a day that exists, and goes with effect: deferred only",
            )
        case Purpose() if (rule.at_least or 0) > (rule.years or 20):
            yield SchemaFault(f"{pointer}/at_least", "order", "不大于 years", "not more than years")
        case Requirement() if len({one.course for one in rule.courses}) < len(rule.courses):
            yield SchemaFault(f"{pointer}/courses", "duplicate", "课程重复", "a course is named twice")
        case Categories() if len({one.code for one in rule.set}) < len(rule.set):
            yield SchemaFault(f"{pointer}/set", "duplicate", "科目重复", "a category is named twice")
        case _:
            pass
