"""Refusals about revocations."""

from typing import ClassVar

from services.kit.errors import Problem


class ProviderInGoodStandingError(Problem):
    """The provider was never disqualified here: its credits are revoked one by one, each for a reason of its own."""

    code: ClassVar[str] = "provider-in-good-standing"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该培训机构未被取消培训资格"
    title_en: ClassVar[str] = "The provider has not been disqualified"
