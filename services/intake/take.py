"""What is done with a canonical message: the writes, in the order that lets any of them be repeated (design, 6.1 to 6.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cloud import registry
from cloud.settings import settings
from contract.codes import Flag, ProjectStatus, Provenance
from contract.identifiers import BASE_CODE, province_of
from contract.messages import Rating, Said, ServiceEvent
from contract.refusals import Refused, refuse
from contract.zone import day_of
from intake import door, ledger, quarantine, vault, waiting
from intake.admission import Outcome, admit, check_length, check_policy, meet
from intake.arrival import Arrival
from intake.entries import EventEntry, FreestandingEntry, RatingEntry
from intake.marks import Explained
from intake.pending import BY_INVITATION, PendingRating
from intake.places import freestanding_key, partition
from intake.sealing import LedgerKey
from policy.calendar import due
from policy.rules import in_force

if TYPE_CHECKING:
    from datetime import datetime

    from contract.messages import Freestanding
    from intake.admission import Project
    from intake.sealing import Keys
    from policy.rules import Policy

_TRIES = 3


def take(message: Said, arrival: Arrival, keys: Keys) -> Outcome:
    """What became of the message, once that is durable. Raises Refused."""
    if isinstance(message, ServiceEvent):
        return _take_event(message, arrival, keys)
    if isinstance(message, Rating):
        return _take_rating(message, arrival, keys)
    return _take_freestanding(message, arrival, keys)


# ---------------------------------------------------------------------- ratings of a service event


class Settled(NamedTuple):
    """Where a rating stands, and the event that it met on the way there."""

    outcome: Outcome
    event: EventEntry | None = None


def _take_rating(message: Rating, arrival: Arrival, keys: Keys) -> Outcome:
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
    _keep_persons(message, settled, keys)
    if held and settled.outcome is not Outcome.PARKED:
        waiting.release(rating.waiting_key)
    return settled.outcome


def settle(rating: PendingRating) -> Settled:
    """Accepted, duplicate, or parked if the event is not there. Raises Refused."""
    for _ in range(_TRIES):
        try:
            return _settle(rating)
        except ledger.Moved:
            continue
    raise ledger.Moved


def _settle(rating: PendingRating) -> Settled:
    project = ledger.project(rating.project_no)
    met = meet(rating, project)
    if met is None:
        if rating.provenance is Provenance.DEFAULT:  # it waits only where the province records defaults at all
            check_policy(rating, policy_of(province_region(), rating.received_at))
        return Settled(Outcome.PARKED)
    if isinstance(met, Outcome):
        return Settled(met, project.event(rating.service_number))
    if rating.party != BY_INVITATION:  # a link speaks for its one service
        check_scope(rating.party, met.region_code, met.organisation, rating.received_at)
    policy = policy_of(met.region_code, rating.received_at)
    return Settled(_insert(admit(rating, met, project, policy), policy), met)


def _insert(entry: RatingEntry, policy: Policy) -> Outcome:
    # Where nothing defaults, the key alone decides; where something does, a rating and a default must not miss each other.
    if policy.unrated_policy == "DEFAULT" and entry.round == 1 and entry.takes_back is None:
        return ledger.insert_beside_default(entry)
    return ledger.insert_rating(entry)


def admit_parked(parked: waiting.Parked, project_no: str, keys: Keys, *, is_over: bool = False) -> None:
    """Reads a parked message again and settles its rating, or keeps it in Quarantine: its message left the queue long ago.

    When its time is over and the event is still not there, policy says what becomes of it: refused, or accepted without its event.
    """
    arrival = Arrival(keys.open(parked.original), parked.party, parked.webhook_id, "", "", parked.received_at, parked.received_at)
    key = LedgerKey(partition(project_no), parked.sk)
    try:
        message = door.read(arrival, door.registered(arrival))
        if isinstance(message, Rating):
            rating = PendingRating.of(message, arrival, keys)
            settled = settle(rating)
            if settled.outcome is Outcome.PARKED and is_over:
                settled = _without_event(rating)
            _keep_persons(message, settled, keys)
            if settled.outcome is Outcome.PARKED:
                return
    except Refused as refused:
        quarantine.keep(arrival, arrival.body, refused.reasons, keys, proven=True)
    waiting.release(key)


def _without_event(rating: PendingRating) -> Settled:
    region = province_region()
    policy = policy_of(region, rating.received_at)
    if policy.parked_policy == "REFUSE" or rating.provenance is Provenance.DEFAULT:
        raise refuse("event_not_found", "project_no")
    check_policy(rating, policy)
    return Settled(_insert(RatingEntry.unlinked(rating, region, policy), policy))


def _parked_until(rating: PendingRating) -> datetime:
    return due(rating.received_at, policy_of(province_region(), rating.received_at).parked_window, province_region()).at


def _keep_persons(message: Rating, settled: Settled, keys: Keys) -> None:
    """Puts into the Vault who is not there already: the applicant came with the event, and a certificate alone adds nothing to that."""
    if settled.outcome is not Outcome.ACCEPTED:
        return
    known = {settled.event.applicant, settled.event.agent} if settled.event else set()
    persons = [person for person in (message.rater, message.agent) if person]
    vault.keep([one for one in persons if one.phone or one.name or keys.pseudonym("person", *one.identity) not in known], keys)


# ---------------------------------------------------------------------- service events


def _take_event(event: ServiceEvent, arrival: Arrival, keys: Keys) -> Outcome:
    # A code is valid on its date: a service before a merger may be reported after it.
    if not registry.knows_region(event.region_code, day_of(event.service_time)):
        raise refuse("unknown_region", "region_code")
    check_scope(arrival.party, event.region_code, event.organisation, arrival.received_at)
    policy = policy_of(event.region_code, arrival.received_at)
    entry = EventEntry.of(event, arrival, keys, policy, _unlisted(event, arrival))
    # A key of its own for each status lets a later report through; that it speaks of the same service is asked here.
    project = ledger.project(event.project_no)
    if differing := project.contradictions(entry):
        raise refuse("event_contradicted", ", ".join(differing))
    vault.keep([event.applicant, event.agent], keys)
    outcome = ledger.insert_event(entry)
    if outcome is Outcome.DUPLICATE:
        _explain(entry, project)
    if event.status is ProjectStatus.FINISHED and not project.has_rating(event.service_number):
        _watch(entry, policy)
    for parked in waiting.parked(event.project_no, event.service_number):
        admit_parked(parked, event.project_no, keys)
    return outcome


def _unlisted(event: ServiceEvent, arrival: Arrival) -> tuple[Flag, ...]:
    """What no register knows: it is marked and reported, and nobody is turned away for it, since a list may be stale."""
    day, code = day_of(arrival.received_at), event.item_code
    found = []
    if not (registry.lists("item", {code, code[:31]}, day) or registry.lists("base_item", [code[BASE_CODE]], day)):
        registry.report_gap("item", code, event.organisation, arrival.received_at)
        found.append(Flag.UNLISTED_ITEM)
    if not registry.lists("organisation", [event.organisation], day):
        registry.report_gap("organisation", event.organisation, event.organisation, arrival.received_at)
        found.append(Flag.UNLISTED_ORGANISATION)
    return tuple(found)


def _explain(entry: EventEntry, project: Project) -> None:
    """A reason for an overrun that was reported without one: it is put beside the event, whose facts stay as they are."""
    held = next((report for report in project.reports if report.key == entry.key), None)
    explained = Explained.of(entry)
    if explained and held and held.overrun_reason is None and entry.service_number not in project.explained:
        ledger.mark(explained.item(entry.project_no, entry.service_number))


def _watch(entry: EventEntry, policy: Policy) -> None:
    """Where policy invites or records defaults: comes back to the service when its time to be rated is over."""
    after = {"INVITE": policy.invite_after, "DEFAULT": policy.default_after}.get(policy.unrated_policy)
    if after and entry.finished_at:
        until = due(entry.finished_at, after, entry.region_code).at
        waiting.watch(waiting.Unrated(entry.project_no, entry.service_number), until)


# ---------------------------------------------------------------------- ratings that are bound to no service event


def _take_freestanding(message: Freestanding, arrival: Arrival, keys: Keys) -> Outcome:
    region = message.object.region_code
    if not registry.knows_region(region, day_of(arrival.received_at)):
        raise refuse("unknown_region", "object.region_code")
    check_scope(arrival.party, region, message.object.organisation, arrival.received_at)
    if message.provenance is Provenance.DEFAULT:
        raise refuse("default_not_allowed", "provenance")
    policy = policy_of(region, arrival.received_at)
    check_length(len(message.comment or ""), policy)
    entry = FreestandingEntry.of(message, arrival, keys, policy)
    outcome = ledger.insert_freestanding(entry, freestanding_key(message, arrival.party))
    if outcome is Outcome.ACCEPTED:
        vault.keep([message.rater, message.agent], keys)
    return outcome


# ---------------------------------------------------------------------- rules and scopes


def province_region() -> str:
    """The 12-digit code of the stack's province."""
    return province_of(settings().province_code)


def policy_of(region_code: str, at: datetime) -> Policy:
    """The rules in force in a region (12 digits) at that moment."""
    return in_force(registry.rules(region_code), region_code, day_of(at))


def check_scope(party_id: str, region_code: str, organisation: str | None, at: datetime) -> None:
    """Raises Refused (`out_of_scope`) unless the party may speak for this region and organisation."""
    party = registry.party(party_id, day_of(at))
    if party is None or not party.may_speak_for(region_code, organisation):
        raise refuse("out_of_scope", "region_code")
