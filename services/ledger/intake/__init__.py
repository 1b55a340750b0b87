"""How posted records become events: one group of waiting requests, one transaction of one log."""

from services.ledger.intake.outcomes import Outcome
from services.ledger.intake.writer import IntakeWriter, Work

__all__ = ["IntakeWriter", "Outcome", "Work"]
