"""Quarantine: every refused message with its reasons and its sealed original, so that an operator can see, correct and resubmit it.

Key: day (Asia/Shanghai) / message id. What an operator did with it stands beside it (`<message id>#<transport id of the second coming>`),
with the corrected version, so that both versions are kept.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from cloud import clock
from cloud.settings import settings
from cloud.table import get, put_new, query
from contract.model import Model
from contract.refusals import Refusal
from contract.wire import digest
from contract.zone import day_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cloud.table import Item
    from contract.arrival import Arrival
    from intake.sealing import Keys


class Resubmission(Model):
    """That an operator sent a message again: who, why, whether corrected, and what came of it."""

    noted_at: str
    by: str
    reason: str
    corrected: bool
    outcome: str


class Refusals(Model):
    """A refused message as it is listed: who, when, why; and what came of sending it again. The original stays sealed."""

    day: str
    message_id: str
    party: str
    received_at: datetime
    size: int
    proven: bool
    reasons: tuple[Refusal, ...]
    resubmitted: tuple[Resubmission, ...] = ()

    @classmethod
    def of(cls, item: Mapping[str, Any], notes: Iterable[Mapping[str, Any]] = ()) -> Refusals:
        """The listing of a stored item, with what was noted about it, oldest first."""
        listed = {name: item[name] for name in ("party", "received_at", "size", "proven", "reasons")}
        return cls(day=item["pk"], message_id=item["sk"], **listed, resubmitted=_told(notes))


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
    """Keeps a refused message, and whether it had proved its origin.

    A redelivery finds itself there and changes nothing; the same message refused for other reasons is kept beside it.
    """
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
    taken = put_new(settings().quarantine_table, item)
    if taken and (taken["proven"], taken["reasons"]) != (proven, item["reasons"]):
        again = digest(json.dumps([proven, item["reasons"]], ensure_ascii=False))
        put_new(settings().quarantine_table, item | {"sk": f"{sent.message_id}#{again}"})


def find(day: str, message_id: str, keys: Keys) -> Kept | None:
    """One refused message, None if there is none."""
    item = get(settings().quarantine_table, {"pk": day, "sk": message_id})
    return Kept(Refusals.of(item), keys.open(item["original"]), item["proof"]) if item else None


def noted(kept: Kept) -> Refusals:
    """A refused message with what was noted about it."""
    day, message_id = kept.refusals.day, kept.refusals.message_id
    beside = query(settings().quarantine_table, day, sk_prefix=f"{message_id}#")
    notes = [item for item in beside if is_note(item) and _noted_of(item) == message_id]
    return kept.refusals.model_copy(update={"resubmitted": _told(notes)})


def note_resubmission(kept: Kept, body: str, sent: Mapping[str, str], outcome: str, transport_id: str, keys: Keys) -> None:
    """That an operator sent the message again, in this version: who and why, as the resubmitted message says, and what came of it."""
    version = {
        "by": sent["by"],
        "reason": sent["reason"],
        "corrected": body != kept.original,
        "original": keys.seal(body),
        "outcome": outcome,
    }
    key = {"pk": kept.refusals.day, "sk": f"{kept.refusals.message_id}#{transport_id}"}
    put_new(settings().quarantine_table, key | version | {"noted_at": clock.now().isoformat()})


def is_note(item: Mapping[str, Any]) -> bool:
    """Whether an item says what was done with a refused message, rather than being one."""
    return "noted_at" in item


def of_day(day: str) -> Iterator[Refusals]:
    """Everything refused on a day (Asia/Shanghai), by party and message."""
    notes: dict[str, list[Item]] = defaultdict(list)
    refused = []
    for item in query(settings().quarantine_table, day):
        if is_note(item):
            notes[_noted_of(item)].append(item)
        else:
            refused.append(item)
    return (Refusals.of(item, notes[item["sk"]]) for item in refused)


def _noted_of(note: Item) -> str:
    return str(note["sk"]).rpartition("#")[0]


def _told(notes: Iterable[Mapping[str, Any]]) -> tuple[Resubmission, ...]:
    told = [Resubmission.model_validate({name: note[name] for name in Resubmission.model_fields}) for note in notes]
    return tuple(sorted(told, key=lambda one: one.noted_at))


def proof_of(arrival: Arrival) -> dict[str, str]:
    """What a message brought as its proof, so that it can be looked at again; named like the attributes of a message."""
    return {
        "webhook-timestamp": arrival.timestamp,
        "webhook-signature": arrival.signature,
        "door": arrival.stamp,
        "sender": arrival.sender,
        "sent-at": str(int(arrival.sent_at.timestamp() * 1000)),
    }
