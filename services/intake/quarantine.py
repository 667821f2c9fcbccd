"""Quarantine: every refused message with its reasons and its sealed original, so that an operator can see, correct and resubmit it.

Key: day (Asia/Shanghai) / message id. What an operator did with it stands beside it (`<message id>#<transport id of the second coming>`),
with the corrected version, so that both versions are kept.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from cloud import clock
from cloud.settings import settings
from cloud.table import get, put_new, query
from contract.model import Model
from contract.refusals import Refusal
from contract.zone import day_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from intake.arrival import Arrival
    from intake.sealing import Keys


class Refusals(Model):
    """A refused message as it is listed: who, when, why; and when it was resubmitted. The original stays sealed."""

    day: str
    message_id: str
    party: str
    received_at: datetime
    size: int
    proven: bool
    reasons: tuple[Refusal, ...]
    resubmitted_at: str | None = None

    @classmethod
    def of(cls, item: Mapping[str, Any], resubmitted_at: str | None = None) -> Refusals:
        """The listing of a stored item."""
        listed = {name: item[name] for name in ("party", "received_at", "size", "proven", "reasons")}
        return cls(day=item["pk"], message_id=item["sk"], **listed, resubmitted_at=resubmitted_at)


class Sent(Protocol):
    """What is known of any message: who sent which one when."""

    @property
    def message_id(self) -> str: ...
    @property
    def party(self) -> str: ...
    @property
    def received_at(self) -> datetime: ...


class Kept(NamedTuple):
    """A refused message with its original, for an operator."""

    refusals: Refusals
    original: str
    proof: dict[str, str]


def keep(
    sent: Sent, original: str, reasons: Sequence[Refusal], keys: Keys, *, proven: bool, proof: Mapping[str, str] | None = None
) -> None:
    """Keeps a refused message, and whether it had proved its origin. A redelivery finds itself there and changes nothing."""
    item = {
        "pk": day_of(sent.received_at).isoformat(),
        "sk": sent.message_id,
        "party": sent.party,
        "received_at": sent.received_at.isoformat(),
        "size": len(original.encode()),
        "proven": proven,
        "proof": dict(proof or {}),
        "reasons": [reason.plain() for reason in reasons],
        "original": keys.seal(original),
    }
    put_new(settings().quarantine_table, item)


def find(day: str, message_id: str, keys: Keys) -> Kept | None:
    """One refused message, None if there is none."""
    item = get(settings().quarantine_table, {"pk": day, "sk": message_id})
    return Kept(Refusals.of(item), keys.open(item["original"]), item["proof"]) if item else None


def note_resubmission(kept: Kept, body: str, sent: Mapping[str, str], transport_id: str, keys: Keys) -> None:
    """That an operator sent the message again, in this version: who and why, as the resubmitted message says."""
    version = {"by": sent["by"], "reason": sent["reason"], "corrected": body != kept.original, "original": keys.seal(body)}
    key = {"pk": kept.refusals.day, "sk": f"{kept.refusals.message_id}#{transport_id}"}
    put_new(settings().quarantine_table, key | version | {"noted_at": clock.now().isoformat()})


def is_note(item: Mapping[str, Any]) -> bool:
    """Whether an item says what was done with a refused message, rather than being one."""
    return "noted_at" in item


def of_day(day: str) -> Iterator[Refusals]:
    """Everything refused on a day (Asia/Shanghai), by party and message."""
    refused: Mapping[str, Any] | None = None
    noted: list[str] = []
    for item in query(settings().quarantine_table, day):
        # What was done with a message follows it in key order.
        if is_note(item):
            noted.append(item["noted_at"])
            continue
        if refused:
            yield Refusals.of(refused, max(noted, default=None))
        refused, noted = item, []
    if refused:
        yield Refusals.of(refused, max(noted, default=None))


def proof_of(arrival: Arrival) -> dict[str, str]:
    """What a message brought as its proof, so that it can be looked at again; named like the attributes of a message."""
    return {
        "webhook-timestamp": arrival.timestamp,
        "webhook-signature": arrival.signature,
        "door": arrival.stamp,
        "sender": arrival.sender,
        "sent-at": str(int(arrival.sent_at.timestamp() * 1000)),
    }
