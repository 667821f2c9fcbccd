"""Result events: what external systems consume. Past tense, frozen, versioned, changed only by adding.

On the bus an event is the `detail`, its class name the `detail-type` and `haochaping.<service>` the source. The `event_id` is derived
from the entry that caused the event, so that a consumer who sees it twice knows it. In the feed and in a webhook the same event
travels as a CloudEvent (`cloud_event`).
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import AwareDatetime, ConfigDict

from contract.codes import Clock
from contract.ledger import RatingFacts
from contract.model import Model


class Event(Model):
    """What every result event carries. `happened_at` is when it happened; of what happens to a rating, only the hour."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    service: ClassVar[str]

    version: Literal[1] = 1
    event_id: str
    happened_at: AwareDatetime

    @classmethod
    def source(cls) -> str:
        """The `source` of the event on the bus."""
        return f"haochaping.{cls.service}"


class BadRatingAccepted(Event):
    """A rating of one of the two bad levels was stored for the first time."""

    service = "intake"
    rating: RatingFacts


class MessagesRefused(Event):
    """Messages of one party were refused and are kept in quarantine; told at most once per party and relayed batch."""

    service = "intake"
    party: str
    count: int
    codes: dict[str, int]


class CaseOpened(Event):
    """A bad rating has its rectification case; `due` holds the deadlines that run (exclusive instants)."""

    service = "rectify"
    case_id: str
    rating: RatingFacts
    due: dict[Clock, AwareDatetime]
    provisional: tuple[Clock, ...] = ()
    policy_version: str


class CaseOverdue(Event):
    """A deadline of the case passed without the fact that would have stopped its clock."""

    service = "rectify"
    case_id: str
    rating_id: str
    organisation: str
    region_code: str
    clock: Clock
    due_at: AwareDatetime


EVENTS: dict[str, type[Event]] = {event.__name__: event for event in (BadRatingAccepted, MessagesRefused, CaseOpened, CaseOverdue)}


def event_id(*cause: str) -> str:
    """The id of the event that this entry causes: the same for every telling."""
    return "ev_" + hashlib.sha256("\x1f".join(cause).encode()).hexdigest()[:32]


def cloud_event(detail_type: str, source: str, detail: dict[str, Any]) -> dict[str, Any]:
    """A result event as the feed and the webhooks carry it. `detail` is the event as it came from the bus."""
    happened_at = datetime.fromisoformat(detail["happened_at"])
    return {
        "specversion": "1.0",
        "id": detail["event_id"],
        "source": source,
        "type": f"{detail_type}.v{detail['version']}",
        "time": happened_at.isoformat(),
        "datacontenttype": "application/json",
        "data": detail,
    }
