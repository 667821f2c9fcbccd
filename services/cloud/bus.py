"""Result events onto the bus (design, 6.11): at most ten at a time, only the failed ones again, then an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud.clients import events
from cloud.settings import settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

    from contract.events import Event

_ENTRIES = 10
_TRIES = 3


class NotPublished(Exception):
    """The bus did not take every event; the stream hands the batch over again."""


def publish(news: Sequence[Event]) -> None:
    """Puts every event on the bus. Raises NotPublished if some are still refused after three tries.

    An event that is told twice carries the same `event_id`; its consumers know it by that.
    """
    entries = [_entry(event) for event in news]
    for start in range(0, len(entries), _ENTRIES):
        _put(entries[start : start + _ENTRIES])


def _put(entries: list[PutEventsRequestEntryTypeDef]) -> None:
    left = entries
    for _ in range(_TRIES):
        answers = events().put_events(Entries=left)["Entries"]
        left = [entry for entry, answer in zip(left, answers, strict=True) if answer.get("ErrorCode")]
        if not left:
            return
    raise NotPublished(f"{len(left)} of {len(entries)} events")


def _entry(event: Event) -> PutEventsRequestEntryTypeDef:
    return {
        "Source": event.source(),
        "DetailType": type(event).__name__,
        "Detail": event.model_dump_json(exclude_none=True),
        "EventBusName": settings().event_bus,
    }
