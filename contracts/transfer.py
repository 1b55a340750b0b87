"""The transfer service's published events: where a profile is on its way to, and where it arrived."""

from __future__ import annotations

from typing import ClassVar, Literal

from contracts.envelope import Adcode, Code, OpaqueId, PublishedEvent, Uscc, UtcTime


class TransferRequested(PublishedEvent):
    """调转申请: a person asked to move the profile to another place (S2C-10, S2C-15)."""

    TYPE: ClassVar[str] = "cn.xuefen.transfer.transfer.requested.v1"

    transfer_id: OpaqueId
    person_id: OpaqueId
    from_place: Adcode
    to_place: Adcode
    from_authority: Adcode
    to_authority: Adcode
    requested_at: UtcTime


class TransferAccepted(PublishedEvent):
    """The place of origin let the profile go; the destination decides next (S2C-11)."""

    TYPE: ClassVar[str] = "cn.xuefen.transfer.transfer.accepted.v1"

    transfer_id: OpaqueId
    person_id: OpaqueId
    accepted_at: UtcTime


class TransferReturned(PublishedEvent):
    """The profile stays at its origin: the destination refused, or did not fetch it in time (S2C-16)."""

    TYPE: ClassVar[str] = "cn.xuefen.transfer.transfer.returned.v1"

    transfer_id: OpaqueId
    person_id: OpaqueId
    reason: Code
    returned_at: UtcTime


class TransferWithdrawn(PublishedEvent):
    """The person took the request back before it was completed."""

    TYPE: ClassVar[str] = "cn.xuefen.transfer.transfer.withdrawn.v1"

    transfer_id: OpaqueId
    person_id: OpaqueId
    withdrawn_at: UtcTime


class ProfileTransferred(PublishedEvent):
    """The profile is now kept at its destination, with the accounts of the open years (S2C-12, S2C-18).

    `end` says who tells it: `within` one authority; between two, the `destination` once the profile has arrived there, and
    afterwards the `origin`, under the same transfer and its own id of the person. A deployment that holds both ends tells
    both, the destination first.
    """

    TYPE: ClassVar[str] = "cn.xuefen.transfer.profile.transferred.v1"

    transfer_id: OpaqueId
    person_id: OpaqueId
    from_place: Adcode
    to_place: Adcode
    from_authority: Adcode
    to_authority: Adcode
    employer: Uscc | None
    transferred_at: UtcTime
    end: Literal["within", "origin", "destination"]
