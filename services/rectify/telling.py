"""What a fact of a case is on the bus: the event of its kind, named after the entry, so that it is told once (design, 6.11). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from contract import events
from contract.codes import ActorRole, CaseFact, CaseState, Clock
from contract.events import event_id
from contract.zone import hour_of
from rectify.facts import (
    CONFIDENTIAL,
    AppealFiled,
    AppealRefused,
    BecameOverdue,
    CalledBack,
    Closed,
    Contacted,
    Contested,
    DueMoved,
    Escalated,
    ExtensionGranted,
    FollowUpReceived,
    InterviewCalled,
    Opened,
    PressureReported,
    RatingExcluded,
    Reopened,
    Replied,
    ReviewGranted,
    ReviewRefused,
    Transferred,
    Verified,
    ViolationReferred,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from contract.events import CaseEvent, Event
    from contract.ledger import RatingFacts
    from rectify.facts import Fact


class Entry(NamedTuple):
    """An entry of the history as the stream holds it: its fact, also as written, its rating, and how the case stood after it."""

    case_id: str
    written: str
    fact: Fact
    rating: RatingFacts
    state: CaseState
    unit: str | None
    due: dict[Clock, datetime]
    provisional: tuple[Clock, ...]
    order: int | None = None

    @property
    def id(self) -> str:
        """The id of the event, derived from what the entry says; its number would show that another one is missing between."""
        return event_id(self.fact.fact, self.case_id, self.written)

    @property
    def happened_at(self) -> datetime:
        """When it happened; of what a rater did only the hour, since a second leads back to a visit."""
        by_the_rater = isinstance(self.fact, (Opened, FollowUpReceived)) or (self.fact.by and self.fact.by.role is ActorRole.RATER)
        return hour_of(self.fact.at) if by_the_rater else self.fact.at

    @property
    def common(self) -> dict[str, Any]:
        """What every event of the case says. What goes past the unit has no place in the order, which would show it."""
        return {
            "event_id": self.id,
            "happened_at": self.happened_at,
            "order": None if isinstance(self.fact, CONFIDENTIAL) else self.order,
            "case_id": self.case_id,
            "rating_id": self.rating.rating_id,
            "organisation": self.unit,
            "region_code": self.rating.region_code,
            "state": self.state,
            "due": self.due,
            "provisional": self.provisional,
        }


def events_of(entry: Entry) -> list[Event]:
    """The events of a fact: one, and a second one where intake has to hear of an overturned exclusion."""
    fact = entry.fact
    if isinstance(fact, Opened):
        return [_opened(entry, fact)]
    if isinstance(fact, RatingExcluded):
        return [_excluded(entry, fact)]
    if isinstance(fact, ReviewGranted):
        decided = events.ReviewDecided(**entry.common, overturned=True)
        return [decided, _overturned(entry, fact)] if fact.turn else [decided]
    return [_one(entry, fact)]


def answers_of(pk: str, sk: str, outcome: Mapping[str, Any]) -> list[Event]:
    """What a command that came by the queue is answered on the bus; nothing for one whose sender waited, or that goes past the unit."""
    if not outcome.get("announce"):
        return []
    said = {"event_id": event_id("Command", pk, sk), "happened_at": outcome["at"], "party": outcome["party"]}
    if not outcome["refusals"]:
        named = {"command_id": outcome["command_id"], "case_id": pk, "state": outcome["state"]}
        return [events.CommandAccepted(**said, **named)]
    codes = tuple(sorted({refusal["code"] for refusal in outcome["refusals"]}))
    case_id = pk if "command_id" in outcome else None
    return [events.CommandRefused(**said, command_id=outcome.get("command_id"), case_id=case_id, codes=codes)]


def _opened(entry: Entry, fact: Opened) -> Event:
    return events.CaseOpened(
        event_id=entry.id,
        happened_at=entry.happened_at,
        order=entry.order,
        case_id=entry.case_id,
        rating=fact.rating,
        due={clock: deadline.due_at for clock, deadline in fact.starts.items()},
        provisional=tuple(clock for clock, deadline in fact.starts.items() if deadline.provisional),
        policy_version=fact.policy_version,
    )


def _excluded(entry: Entry, fact: RatingExcluded) -> Event:
    said = {"event_id": entry.id, "happened_at": fact.at, "order": entry.order, "case_id": entry.case_id}
    return events.AppealGranted(**said, rating=entry.rating, reason=fact.reason, turn=fact.turn)


def _overturned(entry: Entry, fact: ReviewGranted) -> Event:
    named = {"event_id": event_id("AppealOverturned", entry.case_id, entry.written), "case_id": entry.case_id}
    said = named | {"happened_at": fact.at, "order": entry.order}
    return events.AppealOverturned(**said, rating=entry.rating, reason=fact.reason, turn=fact.turn or 2)


def _one(entry: Entry, fact: Fact) -> Event:
    if isinstance(fact, BecameOverdue):
        return events.CaseOverdue(**_without(entry.common, "state", "due", "provisional"), clock=fact.clock, due_at=fact.due_at)
    if isinstance(fact, Replied):
        return events.CaseReplied(**_without(entry.common, "provisional"), public_reply=fact.public_reply)
    known = _EVENTS.get(type(fact))
    if known is None:
        return events.CaseProgressed(**entry.common, fact=CaseFact(fact.fact))
    event, further = known
    # Whether there is a rater who can be told.
    named = {"identity_mode": entry.rating.identity_mode} if "identity_mode" in event.model_fields else {}
    return event(**entry.common, **named, **further(fact))


def _without(said: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name not in names}


def _said(*names: str) -> Callable[[Any], dict[str, Any]]:
    return lambda fact: {name: getattr(fact, name) for name in names}


_EVENTS: dict[type[Fact], tuple[type[CaseEvent], Callable[[Any], dict[str, Any]]]] = {
    Contacted: (events.CaseContacted, _said("outcome")),
    Verified: (events.CaseVerified, _said("finding")),
    Transferred: (events.CaseTransferred, _said("before")),
    ExtensionGranted: (events.CaseExtended, _said("clock", "first_due_at", "due_at")),
    Escalated: (events.CaseEscalated, _said("clock", "due_at", "level", "to")),
    CalledBack: (events.CaseCalledBack, _said("verdict")),
    Reopened: (events.CaseReopened, _said("times")),
    Closed: (events.CaseClosed, _said("closure", "confirmed")),
    DueMoved: (events.CaseDueMoved, _said("clock", "before", "due_at", "calendar")),
    AppealFiled: (events.AppealFiled, _said("reason")),
    AppealRefused: (events.AppealRefused, _said()),
    Contested: (events.ResultContested, _said("reason")),
    ReviewRefused: (events.ReviewDecided, lambda _: {"overturned": False}),
    InterviewCalled: (events.InterviewCalled, _said("month", "cases")),
    PressureReported: (events.PressureReported, _said()),
    ViolationReferred: (events.ViolationReferred, _said("violation", "against")),
}
