"""Trials of drafts over HTTP: asked for, followed with their progress, and given up."""

from asyncio import to_thread
from datetime import date
from typing import Annotated

import msgspec
from fastapi import Depends, Path, Response
from pydantic import Field

from contracts.divisions import contains
from services.kit.auth import Caller, require
from services.kit.clock import local_date, utc_now
from services.kit.errors import FieldError, InvalidRequestError
from services.kit.openapi import struct_answer
from services.kit.parts import part
from services.kit.routers import Router
from services.ledger.counting.trials import PolicyTrials, Trial, TrialKind, TrialTerms
from services.ledger.scenarios.scenario_file import ScenarioFault, read_scenarios
from services.ledger.streams.problems import OutsidePlaceError
from services.ledger.web import NOTICE_CHARACTERS_MAX, PlausibleDay, PolicyText, place_of

router = Router(prefix="/v1/policy-trials")
PolicyTrialsPart = Annotated[PolicyTrials, Depends(part(PolicyTrials))]
Writer = require("policy:write")
TrialId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]
_encode = msgspec.json.Encoder().encode


class TrialRequest(PolicyText):
    """A draft to be tried: what it changes setting by setting, who would be judged otherwise on a day, or what becomes of
    the stories of a scenario file."""

    kind: TrialKind
    on: Annotated[PlausibleDay | None, Field(description="Of a simulation; today when left out.")] = None
    scenarios: Annotated[
        str | None, Field(max_length=NOTICE_CHARACTERS_MAX, description="The text of a scenario file.")
    ] = None

    def asked(self, today: date) -> tuple[str, TrialTerms]:
        """The place of the notice, and what is asked. Raises InvalidRequestError."""
        notice, text = self.read()
        if self.kind == "scenarios":
            if self.scenarios is None:
                raise InvalidRequestError(
                    [FieldError("/scenarios", "required", "请写明情景", "write the scenarios")]
                )
            try:
                read_scenarios(self.scenarios, "scenarios")
            except ScenarioFault as fault:
                words = f"第{fault.line}行：{fault.zh}", f"line {fault.line}: {fault.en}"
                raise InvalidRequestError([FieldError("/scenarios", "scenario", *words)]) from None
        scenarios = self.scenarios if self.kind == "scenarios" else None
        return notice.place, TrialTerms(self.kind, text, notice.label, self.on or today, scenarios)


@router.post(
    "",
    operation_id="try_policy",
    status_code=202,
    **struct_answer(Trial, "The trial, which waits for the worker.", status=202, refusals=(403, 409, 422)),
)
async def try_policy(
    trials: PolicyTrialsPart, body: TrialRequest, caller: Annotated[Caller, Depends(Writer)]
) -> Response:
    """Ask for a trial of a draft over the ledger as it is. Nothing is decided by it, and it is kept for seven days."""
    within = place_of(caller)
    place, asked = await to_thread(body.asked, local_date(utc_now()))
    if not contains(within, place):
        raise OutsidePlaceError
    return _answer(await trials.ask(place, asked), 202)


@router.get(
    "/{trial_id}",
    operation_id="get_policy_trial",
    **struct_answer(Trial, "The trial as it stands.", refusals=(403, 404, 422)),
)
async def get_policy_trial(
    trials: PolicyTrialsPart, trial_id: TrialId, caller: Annotated[Caller, Depends(Writer)]
) -> Response:
    """How far a trial has come, and its result once it is done."""
    return _answer(await trials.get(place_of(caller), trial_id))


@router.post(
    "/{trial_id}/cancellation",
    operation_id="cancel_policy_trial",
    **struct_answer(Trial, "The trial as it stands.", refusals=(403, 404, 422)),
)
async def cancel_policy_trial(
    trials: PolicyTrialsPart, trial_id: TrialId, caller: Annotated[Caller, Depends(Writer)]
) -> Response:
    """Give a trial up; one that is over stays as it is. Sent again it changes nothing."""
    return _answer(await trials.cancel(place_of(caller), trial_id))


def _answer(trial: Trial, status: int = 200) -> Response:
    return Response(_encode(trial), status_code=status, media_type="application/json")
