"""Ratings of service events: bound to their event, parked until it comes, or released when their time is over (design, 6.2 and 6.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from cloud import clock, origin, registry
from contract.arrival import Arrival
from contract.catalogue import Item
from contract.codes import Provenance
from contract.messages import Rating
from contract.refusals import Refused, refuse
from contract.zone import day_of
from intake import causes, door, ledger, quarantine, vault, waiting
from intake.admission import Outcome, admit, check_policy, meet
from intake.entries import EventEntry, RatingEntry
from intake.ground import check_name, check_scope, policy_of, province_region
from intake.pending import BY_INVITATION, PendingRating
from policy.calendar import due

if TYPE_CHECKING:
    from datetime import datetime

    from contract.codes import TagCheck
    from intake.sealing import Keys
    from policy.rules import Policy

_TRIES = 3


class Settled(NamedTuple):
    """Where a rating stands, and the event that it met on the way there."""

    outcome: Outcome
    event: EventEntry | None = None


def take_rating(message: Rating, arrival: Arrival, keys: Keys) -> Outcome:
    """What became of a rating, once that is durable. Raises Refused."""
    check_name(message.device, "device")
    rating = PendingRating.of(message, arrival, keys)
    # An earlier try may have parked the rating and stopped before it took it out again.
    held = arrival.is_redelivery
    try:
        settled = settle(rating)
        if settled.outcome is Outcome.PARKED:
            # Park first, then look again: an event that comes in between is either seen here or sees the parked rating.
            waiting.hold(rating, arrival, keys.seal(arrival.body), _parked_until(rating))
            held = True
            settled = settle(rating)
    except Refused as refused:
        if held:
            # Whoever delivers it once more may not come again: it is kept before it is taken out.
            quarantine.keep(arrival, arrival.body, refused.reasons, keys, proven=True)
            waiting.release(rating.waiting_key)
        raise
    _keep_persons(message, settled, arrival, keys)
    if held and settled.outcome is not Outcome.PARKED:
        waiting.release(rating.waiting_key)
    return settled.outcome


def settle(rating: PendingRating, admitted_at: datetime | None = None) -> Settled:
    """Accepted, duplicate, or parked if the event is not there; `admitted_at` is now, if the rating had to wait for it. Raises Refused."""
    for _ in range(_TRIES):
        try:
            return _settle(rating, admitted_at)
        except ledger.Moved:
            continue
    raise ledger.Moved


def _settle(rating: PendingRating, admitted_at: datetime | None) -> Settled:
    project = ledger.project(rating.project_no)
    met = meet(rating, project)
    if met is None:
        return Settled(Outcome.PARKED)
    if isinstance(met, Outcome):
        return Settled(met, project.event(rating.service_number))
    if rating.party != BY_INVITATION:  # a link speaks for its one service
        check_scope(rating.party, met.region_code, met.organisation, rating.received_at)
    policy = policy_of(met.region_code, rating.received_at)
    entry = admit(rating, met, project, policy, _checked(rating, met), admitted_at)
    return Settled(_insert(entry, guarded=_may_default(rating, met, policy)), met)


def _checked(rating: PendingRating, event: EventEntry) -> dict[str, TagCheck]:
    """What the facts say of the reasons given, by the guide of the day on which the case was accepted."""
    if not causes.CHECKABLE & set(rating.tags):
        return {}
    return causes.check(rating.tags, event, _guide(event))


def _guide(event: EventEntry) -> Item | None:
    day = day_of(event.accepted_at or event.service_time)
    codes = filter(None, (event.handle_item_code, event.task_code))
    held = next((found for code in codes if (found := registry.find("item", code, day))), None)
    try:
        return Item.model_validate(held) if held else None
    except ValidationError:
        return None  # a record that is no guide is the register's trouble, not the rater's


def _may_default(rating: PendingRating, event: EventEntry, policy: Policy) -> bool:
    """Whether defaults may be recorded for the service: a default is put by the rules under which its event came."""
    if policy.unrated_policy == "DEFAULT" or day_of(event.received_at) == day_of(rating.received_at):
        return policy.unrated_policy == "DEFAULT"
    return policy_of(event.region_code, event.received_at).unrated_policy == "DEFAULT"


def _insert(entry: RatingEntry, *, guarded: bool) -> Outcome:
    # Where nothing defaults, the key alone decides; where something does, a rating and a default must not miss each other.
    if guarded and entry.round == 1 and entry.takes_back is None:
        return ledger.insert_beside_default(entry)
    return ledger.insert_rating(entry)


def admit_parked(parked: waiting.Parked, keys: Keys, *, is_over: bool = False) -> None:
    """Reads a parked message again and settles its rating, or keeps it in Quarantine: its message left the queue long ago.

    When its time is over and the event is still not there, policy says what becomes of it: refused, or accepted without its event.
    """
    arrival = Arrival(keys.open(parked.original), parked.party, parked.webhook_id, "", "", parked.received_at, parked.received_at)
    try:
        message = door.read(arrival, origin.registered(arrival))
        if not isinstance(message, Rating):
            raise refuse("unknown_type")  # its profile reads it otherwise than when it came
        rating = PendingRating.of(message, arrival, keys)
        settled = settle(rating, clock.now())
        if settled.outcome is Outcome.PARKED and is_over:
            settled = _without_event(rating)
        _keep_persons(message, settled, arrival, keys)
        if settled.outcome is Outcome.PARKED:
            return
    except Refused as refused:
        quarantine.keep(arrival, arrival.body, refused.reasons, keys, proven=True)
    waiting.release(parked.key)


def _without_event(rating: PendingRating) -> Settled:
    region = province_region()
    policy = policy_of(region, rating.received_at)
    party = registry.party(rating.party, day_of(rating.received_at))
    # Who may speak for a part of the province only cannot fill the place of a rating that may belong to another part.
    speaks_for_all = party is not None and party.may_speak_for(region)
    if policy.parked_policy == "REFUSE" or rating.provenance is Provenance.DEFAULT or not speaks_for_all:
        raise refuse("event_not_found", "project_no")
    check_policy(rating, policy)
    return Settled(_insert(RatingEntry.unlinked(rating, region, policy, clock.now()), guarded=policy.unrated_policy == "DEFAULT"))


def _parked_until(rating: PendingRating) -> datetime:
    return due(rating.received_at, policy_of(province_region(), rating.received_at).parked_window, province_region()).at


def _keep_persons(message: Rating, settled: Settled, arrival: Arrival, keys: Keys) -> None:
    """Puts into the Vault who is not there already: the applicant came with the event, and a rating adds a telephone at most."""
    if settled.outcome is not Outcome.ACCEPTED:
        return
    known = {settled.event.applicant, settled.event.agent} if settled.event else set()
    persons = [person for person in (message.rater, message.agent) if person]
    new = [one for one in persons if one.phone or keys.pseudonym("person", *one.identity) not in known]
    vault.keep(new, arrival.party, arrival.received_at, keys)
