"""Proof of origin: the Standard Webhooks signature, the same for SQS and HTTPS (design, section 4)."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from standardwebhooks.webhooks import Webhook

from contract.refusals import refuse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contract.arrival import Arrival

TOLERANCE = timedelta(minutes=5)


def check(arrival: Arrival, secrets: Iterable[str], *, is_fresh: bool = False) -> None:
    """Raises Refused (`bad_signature`, `stale_signature`) unless one of the secrets signed this body under this id.

    The tolerance is measured against the time of sending, so that a backlog does not refuse honest messages; the library's own
    `verify` measures against the present, which is why only its `sign` is used. `is_fresh` says that this was looked at before.
    """
    signed_at = _time(arrival.timestamp)
    offered = [part.removeprefix("v1,") for part in arrival.signature.split() if part.startswith("v1,")]
    expected = [Webhook(secret).sign(arrival.webhook_id, signed_at, arrival.body).removeprefix("v1,") for secret in secrets]
    if not any(hmac.compare_digest(mine.encode(), theirs.encode()) for mine in expected for theirs in offered):
        raise refuse("bad_signature", "webhook-signature")
    if not is_fresh and abs(signed_at - arrival.sent_at) > TOLERANCE:
        raise refuse("stale_signature", "webhook-timestamp")


def _time(stamp: str) -> datetime:
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 11):
        raise refuse("bad_signature", "webhook-timestamp")
    return datetime.fromtimestamp(int(stamp), UTC)
