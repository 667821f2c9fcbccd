"""What is done with a canonical message: the writes, in the order that lets any of them be repeated (design, 6.1 to 6.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud import registry
from contract.messages import Rating, Said, ServiceEvent
from contract.refusals import Refused, refuse
from contract.zone import day_of
from intake import ledger, quarantine, waiting
from intake.admission import Outcome, admit, meet
from intake.entries import EventEntry, PendingRating
from policy.rules import in_force

if TYPE_CHECKING:
    from datetime import datetime

    from intake.arrival import Arrival
    from intake.sealing import Keys


def take(message: Said, arrival: Arrival, keys: Keys) -> Outcome:
    """What became of the message, once that is durable. Raises Refused."""
    if isinstance(message, Rating):
        return _take_rating(PendingRating.of(message, arrival, keys))
    return _take_event(message, arrival, keys)


def _take_rating(rating: PendingRating) -> Outcome:
    if (outcome := _settle(rating)) is not Outcome.PARKED:
        return outcome
    # Park first, then look again: an event that comes in between is either seen here or sees the parked rating.
    waiting.hold(rating)
    try:
        outcome = _settle(rating)
    except Refused:
        waiting.release(rating)
        raise
    if outcome is not Outcome.PARKED:
        waiting.release(rating)
    return outcome


def _settle(rating: PendingRating) -> Outcome:
    """Accepted, duplicate, or parked if the event is not there."""
    met = meet(rating, ledger.project(rating.project_no))
    if met is None:
        return Outcome.PARKED
    if isinstance(met, Outcome):
        # Known before: an earlier try may have stopped between admitting the rating and taking it out of Waiting.
        waiting.release(rating)
        return met
    _check_scope(rating.party, met.region_code, rating.received_at)
    policy = in_force(registry.rules(met.region_code), met.region_code, day_of(rating.received_at))
    return ledger.insert_rating(admit(rating, met, policy))


def _take_event(event: ServiceEvent, arrival: Arrival, keys: Keys) -> Outcome:
    day = day_of(arrival.received_at)
    if not registry.region_is_registered(event.region_code, day):
        raise refuse("unknown_region", "region_code")
    _check_scope(arrival.party, event.region_code, arrival.received_at)
    policy = in_force(registry.rules(event.region_code), event.region_code, day)
    outcome = ledger.insert_event(EventEntry.of(event, arrival, keys, policy))
    for rating in waiting.parked(event.project_no, event.service_number):
        _admit_parked(rating, keys)
    return outcome


def _admit_parked(rating: PendingRating, keys: Keys) -> None:
    try:
        _settle(rating)
    except Refused as refused:
        # Its message left the queue long ago: it is kept before it is taken out.
        quarantine.keep(rating, rating.model_dump_json(exclude_none=True), refused.reasons, keys)
    waiting.release(rating)


def _check_scope(party_id: str, region_code: str, at: datetime) -> None:
    party = registry.party(party_id, day_of(at))
    if party is None or not party.may_speak_for(region_code):
        raise refuse("out_of_scope", "region_code")
