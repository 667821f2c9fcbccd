"""A message as it reached the door: the body, who says to have sent it, and the proof."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from contract.identifiers import PARTY_ID
from contract.wire import digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

UNREGISTERED = "unregistered"
PROOF = ("party", "webhook-id", "webhook-timestamp", "webhook-signature")

# Ids become part of a key (1,024 bytes at most) and of an event; whatever else a sender writes there stays outside.
_PARTY = re.compile(PARTY_ID)
# A few signatures, as a rotation may need them, and nothing that would burst the queue's attributes.
_SIGNATURES = 1_024
_ID = re.compile(r"[!-.0-~]{1,128}")


class Arrival(NamedTuple):
    """One message with its transport. `sent_at` is the queue's own time, `received_at` the same moment on the one clock.

    `sender` is who AWS says has sent it; `stamp` is what our own door puts on a message whose sender it has checked.
    """

    body: str
    party: str
    webhook_id: str
    timestamp: str
    signature: str
    sent_at: datetime
    received_at: datetime
    sender: str = ""
    stamp: str = ""
    is_redelivery: bool = False

    @property
    def message_id(self) -> str:
        """Names the message among all messages of all parties; a redelivery has the same name."""
        return message_id(self.party, self.webhook_id, self.body)


def message_id(party: str, webhook_id: str, body: str) -> str:
    """Party, the party's own id, and a short hash: a party that uses an id twice has sent two messages."""
    return f"{party}/{webhook_id}/{digest(body)}"


def told_party(party: str) -> str:
    """The party as intake names it: whatever does not look like an id stays outside."""
    return party if _PARTY.fullmatch(party) else UNREGISTERED


def of(
    body: str,
    sent: Mapping[str, str],
    transport_id: str,
    sent_at: datetime,
    received_at: datetime,
    *,
    sender: str = "",
    is_redelivery: bool = False,
) -> Arrival:
    """The arrival of a message with these attributes (SQS) or headers (HTTPS); the transport's id names one that names itself badly."""
    party, webhook_id = sent.get("party", ""), sent.get("webhook-id", "")
    return Arrival(
        body=body,
        party=told_party(party),
        webhook_id=webhook_id if _ID.fullmatch(webhook_id) else transport_id,
        timestamp=sent.get("webhook-timestamp", ""),
        signature=sent.get("webhook-signature", "")[:_SIGNATURES],
        sent_at=sent_at,
        received_at=received_at,
        sender=sender,
        stamp=sent.get("door", ""),
        is_redelivery=is_redelivery,
    )


def attributes(party: str, webhook_id: str, timestamp: str, signature: str, **further: str) -> dict[str, Any]:
    """The SQS message attributes that carry the proof, and further ones (`sent_at` becomes `sent-at`) where they say something."""
    sent = dict(zip(PROOF, (party, webhook_id, timestamp, signature), strict=True))
    sent |= {name.replace("_", "-"): value for name, value in further.items() if value}
    return {name: {"DataType": "String", "StringValue": value} for name, value in sent.items()}
