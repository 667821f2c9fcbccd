"""Quarantine: every refused message with its reasons and its sealed original, so that an operator can see, correct and resubmit it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from cloud.settings import settings
from cloud.table import put_new, query
from contract.model import Model
from contract.refusals import Refusal
from contract.zone import day_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from intake.sealing import Keys


class Refusals(Model):
    """A refused message as it is listed: who, when, why. The original stays sealed."""

    day: str
    message_id: str
    party: str
    received_at: datetime
    size: int
    reasons: tuple[Refusal, ...]

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Refusals:
        """The listing of a stored item."""
        listed = {name: item[name] for name in ("party", "received_at", "size", "reasons")}
        return cls(day=item["pk"], message_id=item["sk"], **listed)


class Sent(Protocol):
    """What is known of any message: who sent which one when."""

    @property
    def message_id(self) -> str: ...
    @property
    def party(self) -> str: ...
    @property
    def received_at(self) -> datetime: ...


def keep(sent: Sent, original: str, reasons: Sequence[Refusal], keys: Keys) -> None:
    """Keeps a refused message. A redelivery finds itself there and changes nothing."""
    item = {
        "pk": day_of(sent.received_at).isoformat(),
        "sk": sent.message_id,
        "party": sent.party,
        "received_at": sent.received_at.isoformat(),
        "size": len(original.encode()),
        "reasons": [reason.plain() for reason in reasons],
        "original": keys.seal(original),
    }
    put_new(settings().quarantine_table, item)


def of_day(day: str) -> Iterator[Refusals]:
    """Everything refused on a day (Asia/Shanghai), by party and message."""
    return map(Refusals.of, query(settings().quarantine_table, day))
