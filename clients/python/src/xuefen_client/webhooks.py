"""Webhooks, checked by Standard Webhooks: that a delivery is from Xuefen, whole and recent."""

import base64
import binascii
import hmac
import re
import time
from collections.abc import Mapping

from xuefen_client.flows import Published

_TOLERANCE_SECONDS = 300
_PREFIX = "whsec_"
_SECONDS = re.compile("[0-9]{1,12}")


class UntrustedError(Exception):
    """A delivery that is not to be believed; answer it with 400 and do nothing."""


def verify(
    secret: str | tuple[str, ...], headers: Mapping[str, str], body: bytes, *, now: float | None = None
) -> Published:
    """The event of a delivery. Raises UntrustedError.

    `body` are the bytes as they came, before anything parsed them. While a secret is changed give both. Deliver
    each id's effects once: `webhook-id` stays the same however often a delivery is tried.
    """
    told = {name.lower(): value for name, value in headers.items()}
    try:
        number, at, given = (told[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
    except KeyError as missing:
        raise UntrustedError(f"the header {missing} is missing") from None
    if (
        not _SECONDS.fullmatch(at)
        or abs((time.time() if now is None else now) - int(at)) > _TOLERANCE_SECONDS
    ):
        raise UntrustedError("the timestamp is too far from now")
    signed = b".".join((number.encode(), at.encode(), body))
    secrets = (secret,) if isinstance(secret, str) else secret
    expected = [_signature(each, signed) for each in secrets]
    offered = [each.removeprefix("v1,").encode() for each in given.split() if each.startswith("v1,")]
    if not any(hmac.compare_digest(ours, theirs) for ours in expected for theirs in offered):
        raise UntrustedError("no signature fits")
    return Published.model_validate_json(body)


def _signature(secret: str, signed: bytes) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("a secret begins with whsec_ and goes on in base64") from error
    return base64.b64encode(hmac.digest(key, signed, "sha256"))
