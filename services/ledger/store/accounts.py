"""Accounts, waiting rooms and providers as rows."""

from services.kit.events import Event
from services.kit.rows import StateRows
from services.ledger.policy import Account
from services.ledger.streams import account as accounts
from services.ledger.streams import account_events as events
from services.ledger.streams import provider as providers
from services.ledger.streams import waiting as rooms
from services.ledger.streams.provider import Provider
from services.ledger.streams.waiting import WaitingRoom


def _evolve_account(account: Account | None, event: Event, stream_id: str) -> Account:
    return accounts.evolve(account or accounts.empty(*ACCOUNT_ROWS.key_of(stream_id)), event)


ACCOUNT_ROWS: StateRows[Account] = StateRows(
    "accounts",
    Account,
    prefix="account:",
    key={"person_id": "text", "year": "int"},
    events=(
        events.CreditEarned,
        events.CompletionHeld,
        events.HeldCompletionWithdrawn,
        events.HeldCompletionRejected,
        events.CreditWithdrawn,
        events.CreditRevoked,
        events.CreditConfirmed,
        events.EnrolmentRecorded,
        events.EnrolmentWithdrawn,
        events.ExamPassed,
        events.CreditRecognised,
        events.ExemptionGranted,
        events.ExemptionEnded,
        events.DeferralGranted,
        events.DeferralEnded,
        events.SpecialReasonApproved,
        events.SpecialReasonEnded,
        events.AccountLeft,
        events.AccountArrived,
        events.AccountMerged,
        events.AccountAbsorbed,
        events.CreditDuplicated,
    ),
    evolve=_evolve_account,
)
ROOM_ROWS: StateRows[WaitingRoom] = StateRows(
    "waiting",
    WaitingRoom,
    prefix="waiting:",
    key={"identity_hash": "text"},
    events=(rooms.RecordParked, rooms.ParkedRecordReleased, rooms.ParkedRecordWithdrawn),
    evolve=lambda room, event, _: rooms.evolve(room or WaitingRoom(), event),
)
PROVIDER_ROWS: StateRows[Provider] = StateRows(
    "providers",
    Provider,
    prefix="provider:",
    key={"organization_id": "text"},
    events=(
        providers.ProviderNamed,
        providers.ProviderAccredited,
        providers.AccreditationEnded,
        providers.ProviderDisqualified,
        providers.ProviderReinstated,
    ),
    evolve=lambda provider, event, _: providers.evolve(provider, event),
)
