"""Bodies of the commands about a year."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from services.kit.schemas import StrictModel
from services.ledger.schemas import CategoryText, CreditYear, OpaqueId, PlausibleDay
from services.ledger.years.admitting import CorrectionReason
from services.ledger.years.commands import CorrectYear

_CENT = Decimal("0.01")


class CorrectionRequest(StrictModel):
    """Credits that belong into a closed year, why, and the decision or file they rest on (B-07)."""

    year: CreditYear
    category: CategoryText
    credits: Annotated[str, Field(pattern=r"^(?:0|[1-9][0-9]{0,3})(?:\.[0-9]{1,2})?$", examples=["30.00"])]
    mode: Literal["online", "face_to_face", "other"]
    completed_on: PlausibleDay
    reason: CorrectionReason
    reference: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
    corrects: Annotated[OpaqueId | None, Field(description="The ended credit that these stand for.")] = None

    def command(self, person_id: str, *, authority: str, decided_by: str) -> CorrectYear:
        """The command of an official of an authority."""
        return CorrectYear(
            person_id=person_id,
            year=self.year,
            category=self.category,
            credits=Decimal(self.credits).quantize(_CENT),
            mode=self.mode,
            completed_on=self.completed_on,
            reason=self.reason,
            reference=self.reference,
            authority=authority,
            decided_by=decided_by,
            corrects=self.corrects,
        )
