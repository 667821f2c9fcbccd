"""Result events as notify takes them from the bus, for tests that need many of them and no case behind."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from contract.events import CaseOverdue, CaseProgressed, cloud_event
from said import ORGANISATION

if TYPE_CHECKING:
    from contract.events import Event

HANGZHOU, XIHU = "330100000000", "330106000000"
AT = datetime(2026, 11, 24, 2, tzinfo=UTC)


def progressed(n: int, *, rating: str = "r_1", order: int | None = None, **further: Any) -> CaseProgressed:
    """The n-th event of a test, about the case of a rating."""
    said = {"region_code": XIHU, "organisation": ORGANISATION, "state": "ASSIGNED", "fact": "Assigned"} | further
    return CaseProgressed(event_id=f"ev_{n}", happened_at=AT, order=order, case_id=f"c_{rating}", rating_id=rating, **said)


def overdue(n: int, *, rating: str = "r_1", **further: Any) -> CaseOverdue:
    """A warning."""
    said = {"region_code": XIHU, "organisation": ORGANISATION, "clock": "rectify", "due_at": AT} | further
    return CaseOverdue(event_id=f"ev_{n}", happened_at=AT, case_id=f"c_{rating}", rating_id=rating, **said)


def as_told(event: Event) -> dict[str, Any]:
    """The event as the feed and subscribers get it."""
    return cloud_event(type(event).__name__, event.source(), event.model_dump(mode="json", exclude_none=True))


def message(event: Event, n: int = 0) -> dict[str, Any]:
    """The event as it stands in the queue of dispatch."""
    body = {"detail-type": type(event).__name__, "source": event.source(), "detail": event.model_dump(mode="json", exclude_none=True)}
    return {"messageId": f"m-{event.event_id}-{n}", "body": json.dumps(body, ensure_ascii=False), "eventSource": "aws:sqs"}
