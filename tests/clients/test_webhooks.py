"""Webhooks as the Python client takes them: signed, whole and recent, or not at all."""

import base64
import hmac
import json

import pytest
from xuefen_client.webhooks import UntrustedError, verify

SECRET = "whsec_" + base64.b64encode(b"a secret of an endpoint, 32 byte").decode()
EVENT = {
    "specversion": "1.0",
    "id": "210000/12",
    "source": "/ledger",
    "type": "cn.xuefen.ledger.credit.earned.v1",
    "time": "2026-04-01T00:00:00Z",
    "datacontenttype": "application/json",
    "log": "210000",
    "position": 12,
    "data": {"credit_id": "credit-1"},
}
NOW = 1_775_000_000
BODY = json.dumps(EVENT).encode()


def signed(*, secret: str = SECRET, at: int = NOW, body: bytes = BODY) -> dict[str, str]:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = hmac.digest(key, b"evt-1.%d." % at + body, "sha256")
    return {
        "Webhook-Id": "evt-1", "Webhook-Timestamp": str(at),
        "Webhook-Signature": f"v1a,b3RoZXI= v1,{base64.b64encode(signature).decode()}",
    }  # fmt: skip


def test_webhooks_are_taken_when_signed_whole_and_recent():
    event = verify(SECRET, signed(), BODY, now=NOW + 300)
    assert (event.log, event.position, event.data) == ("210000", 12, {"credit_id": "credit-1"})


def test_webhooks_signed_with_either_secret_while_one_is_changed():
    other = "whsec_" + base64.b64encode(b"the secret that comes afterwards").decode()
    assert verify((other, SECRET), signed(), BODY, now=NOW).position == 12
    with pytest.raises(UntrustedError):
        verify(other, signed(), BODY, now=NOW)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_webhooks_not_recent_are_refused(seconds: int):
    with pytest.raises(UntrustedError, match="timestamp"):
        verify(SECRET, signed(), BODY, now=NOW + seconds)


@pytest.mark.parametrize("name", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
def test_webhooks_without_a_header_are_refused(name: str):
    headers = {each: value for each, value in signed().items() if each != name}
    with pytest.raises(UntrustedError, match=name.lower()):
        verify(SECRET, headers, BODY, now=NOW)


@pytest.mark.parametrize(
    ("name", "value"),
    [("Webhook-Signature", "v1,\xe9"), ("Webhook-Timestamp", "9" * 5_000), ("Webhook-Timestamp", "٣")],
)
def test_webhooks_with_a_header_that_nobody_would_write_are_refused(name: str, value: str):
    with pytest.raises(UntrustedError):
        verify(SECRET, signed() | {name: value}, BODY, now=NOW)


def test_webhooks_with_one_byte_changed_are_refused():
    for place in range(len(BODY)):
        changed = bytearray(BODY)
        changed[place] ^= 1
        with pytest.raises(UntrustedError):
            verify(SECRET, signed(), bytes(changed), now=NOW)
