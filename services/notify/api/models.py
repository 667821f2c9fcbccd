"""What the door takes and answers, as `notify.api.openapi` describes it. What is not said is absent."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError

from contract.codes import DeliveryState, Severity
from contract.model import Model
from notify.sealed.days import Day, Segment
from notify.subscription import KINDS, Replay, Subscription

_PLACE = re.compile(r"(?:([0-9TZ:-]{20})~)?([!-}]{1,128})")
_BY_TIME = (DeliveryState.WAITING, DeliveryState.SET_ASIDE)


class CloudEvent(Model):
    """A result event as the feed, webhooks and reply queues carry it: CloudEvents 1.0, with the extension attribute `severity`.

    `data` is the event itself; its schema is the file named like `type`.
    """

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    time: AwareDatetime
    datacontenttype: Literal["application/json"]
    severity: Severity
    data: dict[str, Any]


# ---------------------------------------------------------------- questions


class FeedAsked(Model):
    """From where the feed is read: `cursor` as it was answered, none for the beginning, `latest` for the end. `types` by commas."""

    cursor: str = ""
    limit: Annotated[int, Field(ge=1, le=1_000)] = 500
    types: str = ""

    @field_validator("types")
    @classmethod
    def _are_events(cls, types: str) -> str:
        if unknown := [name for name in types.split(",") if types and name not in KINDS]:
            raise PydanticCustomError("unknown_code", "no such event", {"expected": f"names of result events, not {len(unknown)} others"})
        return types

    @property
    def kinds(self) -> frozenset[str]:
        """The names of `types`; none for all."""
        return frozenset(filter(None, self.types.split(",")))


class DeliveriesAsked(Model):
    """What became of one event (`event_id`); or of all in a state, or in any, page by page."""

    event_id: Annotated[str, StringConstraints(pattern=r"^[!-}]{1,128}$")] | None = None
    state: DeliveryState | None = None
    cursor: str = ""
    limit: Annotated[int, Field(ge=1, le=100)] = 50

    @model_validator(mode="after")
    def _one_or_a_page(self) -> Self:
        if self.event_id and (self.state or self.cursor):
            raise PydanticCustomError("malformed_field", "", {"field": "event_id", "expected": "event_id alone, or state and cursor"})
        place = _PLACE.fullmatch(self.cursor)
        if self.cursor and (place is None or bool(place[1]) != (self.state in _BY_TIME)):
            raise PydanticCustomError("bad_cursor", "", {"field": "cursor"})
        return self


class DaysAsked(Model):
    """Closed days of the Ledger: up to `limit` behind the day `after`, or from the first."""

    after: date | None = None
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100


class RotateAsked(Model):
    """With `finish` a rotation ends; without it one begins."""

    finish: bool = False


class ReplayAsked(Model):
    """One of three: everything from a cursor on once more, what was set aside once more, or an end to the replay that runs."""

    cursor: str | None = None
    set_aside: Literal[True] | None = None
    stop: Literal[True] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        said = [name for name, value in self if value is not None]
        if len(said) != 1:
            code = "malformed_field" if said else "missing_field"
            raise PydanticCustomError(code, "", {"field": "cursor", "expected": "one of cursor, set_aside and stop"})
        return self


# ---------------------------------------------------------------- answers


class FeedPage(Model):
    """Events, the cursor behind them, and whether there is more now. A page may hold fewer than `limit`, even none, and go on."""

    events: tuple[CloudEvent, ...]
    cursor: str
    more: bool


class Subscribed(Model):
    """A new subscription, and its secret (`whsec_…`), which is told this once."""

    subscription: Subscription
    secret: str


class Subscriptions(Model):
    """The party's subscriptions, by their ids."""

    subscriptions: tuple[Subscription, ...]


class Tested(Model):
    """What was answered to a test: whether it was taken, the `status` or the `error`, and after how many milliseconds."""

    event_id: str
    taken: bool
    status: int | None = None
    error: str | None = None
    milliseconds: int


class Rotated(Model):
    """The new secret, told this once; none where a rotation was finished."""

    secret: str | None = None


class Replayed(Model):
    """What was begun: the replay with its ends, or how many events were put on their way again, and whether there are more."""

    replay: Replay | None = None
    revived: int | None = None
    more: bool | None = None


class DeliverySeen(Model):
    """What became of an event: `at` is the last try, `answer` its status or error, `due_at` the next try."""

    event_id: str
    state: DeliveryState
    tries: int
    first_at: AwareDatetime
    at: AwareDatetime
    answer: str
    milliseconds: int
    due_at: AwareDatetime | None = None


class Deliveries(Model):
    """A page of deliveries; without `cursor` the list has ended."""

    deliveries: tuple[DeliverySeen, ...]
    cursor: str | None = None


class Days(Model):
    """Closed days, ascending, and whether there are more."""

    days: tuple[Day, ...]
    more: bool


class DaySeen(Model):
    """A closed day with its segments, ascending."""

    day: Day
    segments: tuple[Segment, ...]


class SegmentSeen(Segment):
    """A segment, and an address (GET, for five minutes) where its file is."""

    url: str
