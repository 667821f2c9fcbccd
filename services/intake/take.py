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
        return _take_rating(PendingRating.of(message, arrival, keys), arrival, keys)
    return _take_event(message, arrival, keys)


def _take_rating(rating: PendingRating, arrival: Arrival, keys: Keys) -> Outcome:
    # An earlier try may have parked the rating and stopped before it took it out again.
    held = arrival.is_redelivery
    try:
        outcome = _settle(rating)
        if outcome is Outcome.PARKED:
            # Park first, then look again: an event that comes in between is either seen here or sees the parked rating.
            waiting.hold(rating, keys.seal(arrival.body))
            held = True
            outcome = _settle(rating)
    except Refused as refused:
        if held:
            # Whoever delivers it once more may not come again: it is kept before it is taken out.
            quarantine.keep(arrival, arrival.body, refused.reasons, keys)
            waiting.release(rating)
        raise
    if held and outcome is not Outcome.PARKED:
        waiting.release(rating)
    return outcome


def _settle(rating: PendingRating) -> Outcome:
    """Accepted, duplicate, or parked if the event is not there."""
    met = meet(rating, ledger.project(rating.project_no))
    if met is None:
        return Outcome.PARKED
    if isinstance(met, Outcome):
        return met
    _check_scope(rating.party, met.region_code, rating.received_at)
    policy = in_force(registry.rules(met.region_code), met.region_code, day_of(rating.received_at))
    return ledger.insert_rating(admit(rating, met, policy))


def _take_event(event: ServiceEvent, arrival: Arrival, keys: Keys) -> Outcome:
    day = day_of(arrival.received_at)
    if not registry.knows_region(event.region_code, day):
        raise refuse("unknown_region", "region_code")
    _check_scope(arrival.party, event.region_code, arrival.received_at)
    entry = EventEntry.of(event, arrival, keys, in_force(registry.rules(event.region_code), event.region_code, day))
    # A key of its own for each status lets a later report through; that it speaks of the same service is asked here.
    held = ledger.project(event.project_no).events.get(event.service_number)
    if held and not held.is_same_service(entry):
        raise refuse("event_contradicted")
    outcome = ledger.insert_event(entry)
    for parked in waiting.parked(event.project_no, event.service_number):
        _admit_parked(parked, keys)
    return outcome


def _admit_parked(parked: waiting.Parked, keys: Keys) -> None:
    try:
        _settle(parked.rating)
    except Refused as refused:
        # Its message left the queue long ago.
        quarantine.keep(parked.rating, keys.open(parked.original), refused.reasons, keys)
    waiting.release(parked.rating)


def _check_scope(party_id: str, region_code: str, at: datetime) -> None:
    party = registry.party(party_id, day_of(at))
    if party is None or not party.may_speak_for(region_code):
        raise refuse("out_of_scope", "region_code")
