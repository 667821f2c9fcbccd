"""What is done with a canonical message: the writes, in the order that lets any of them be repeated (design, 6.1 to 6.3)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from cloud import registry
from cloud.settings import settings
from contract.codes import Flag, ObjectType, ProjectStatus, Provenance
from contract.identifiers import BASE_CODE, ancestry, province_of, task_code
from contract.messages import Rating, Said, ServiceEvent, SupervisoryRating
from contract.refusals import Refused, refuse
from contract.zone import day_of
from intake import door, ledger, quarantine, vault, waiting
from intake.admission import Outcome, admit, check_length, check_policy, meet
from intake.arrival import Arrival
from intake.entries import EventEntry, FreestandingEntry, RatingEntry
from intake.marks import Explained
from intake.pending import BY_INVITATION, PendingRating
from intake.places import freestanding_key, partition
from intake.sealing import LedgerKey, NotOurs, Unreadable
from policy.calendar import due
from policy.rules import in_force
from policy.screening import leads_to_person

if TYPE_CHECKING:
    from datetime import datetime

    from contract.messages import Freestanding
    from intake.admission import Project
    from intake.sealing import Keys
    from policy.rules import Policy

_TRIES = 3
_ADMITTED_AT_ONCE = 50


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
    _keep_persons(message, settled, arrival, keys)
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
        return Settled(Outcome.PARKED)
    if isinstance(met, Outcome):
        return Settled(met, project.event(rating.service_number))
    if rating.party != BY_INVITATION:  # a link speaks for its one service
        check_scope(rating.party, met.region_code, met.organisation, rating.received_at)
    policy = policy_of(met.region_code, rating.received_at)
    # A default is put by the rules under which the event came, a rating by its own: either may be the ones that record defaults.
    policies = (policy, policy_of(met.region_code, met.received_at))
    return Settled(_insert(admit(rating, met, project, policy), guarded=any(one.unrated_policy == "DEFAULT" for one in policies)), met)


def _insert(entry: RatingEntry, *, guarded: bool) -> Outcome:
    # Where nothing defaults, the key alone decides; where something does, a rating and a default must not miss each other.
    if guarded and entry.round == 1 and entry.takes_back is None:
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
        if not isinstance(message, Rating):
            raise refuse("unknown_type")  # its profile reads it otherwise than when it came
        rating = PendingRating.of(message, arrival, keys)
        settled = settle(rating)
        if settled.outcome is Outcome.PARKED and is_over:
            settled = _without_event(rating)
        _keep_persons(message, settled, arrival, keys)
        if settled.outcome is Outcome.PARKED:
            return
    except Refused as refused:
        quarantine.keep(arrival, arrival.body, refused.reasons, keys, proven=True)
    waiting.release(key)


def _without_event(rating: PendingRating) -> Settled:
    region = province_region()
    policy = policy_of(region, rating.received_at)
    party = registry.party(rating.party, day_of(rating.received_at))
    # Who may speak for a part of the province only cannot fill the place of a rating that may belong to another part.
    speaks_for_all = party is not None and party.may_speak_for(region)
    if policy.parked_policy == "REFUSE" or rating.provenance is Provenance.DEFAULT or not speaks_for_all:
        raise refuse("event_not_found", "project_no")
    check_policy(rating, policy)
    return Settled(_insert(RatingEntry.unlinked(rating, region, policy), guarded=policy.unrated_policy == "DEFAULT"))


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


# ---------------------------------------------------------------------- service events


def _take_event(event: ServiceEvent, arrival: Arrival, keys: Keys) -> Outcome:
    # A code is valid on its date: a service before a merger may be reported after it.
    if not registry.knows_region(event.region_code, day_of(event.service_time)):
        raise refuse("unknown_region", "region_code")
    check_scope(arrival.party, event.region_code, event.organisation, arrival.received_at)
    policy = policy_of(event.region_code, arrival.received_at)
    for field in ("window", "platform", "guide_version"):
        _check_names(getattr(event, field), field)
    entry = EventEntry.of(event, arrival, keys, policy, _unlisted(event.organisation, event.item_code, arrival))
    # A key of its own for each status lets a later report through; that it speaks of the same service is asked here.
    project = ledger.project(event.project_no)
    if differing := project.contradictions(entry):
        raise refuse("event_contradicted", ", ".join(differing))
    outcome = ledger.insert_event(entry)
    if outcome is Outcome.ACCEPTED:
        vault.keep([event.applicant, event.agent], arrival.party, arrival.received_at, keys)
    else:
        _explain(entry, project)
    if event.status is ProjectStatus.FINISHED and not project.has_rating(event.service_number):
        _watch(entry, policy)
    # What is beyond these waits for the sweep, so that nobody can make an event take longer than a function may.
    for parked in waiting.parked(event.project_no, event.service_number)[:_ADMITTED_AT_ONCE]:
        with suppress(Unreadable):  # it stands in nobody's way; the sweep alarms
            admit_parked(parked, event.project_no, keys)
    return outcome


def _unlisted(organisation: str, item: str | None, arrival: Arrival) -> tuple[Flag, ...]:
    """What no register knows: it is marked and reported, and nobody is turned away for it, since a list may be stale."""
    day = day_of(arrival.received_at)
    found = []
    if item and not (registry.lists("item", {item, task_code(item)}, day) or registry.lists("base_item", [item[BASE_CODE]], day)):
        registry.report_gap("item", item, organisation, arrival.received_at)
        found.append(Flag.UNLISTED_ITEM)
    if not registry.lists("organisation", [organisation], day):
        registry.report_gap("organisation", organisation, organisation, arrival.received_at)
        found.append(Flag.UNLISTED_ORGANISATION)
    return tuple(found)


def _check_names(name: str | None, field: str) -> None:
    """Raises Refused for a name of a thing that is somebody's identity number or telephone: names of things are published."""
    if name and leads_to_person(name):
        raise refuse("malformed_field", field, "the name of a thing, not of a person")


def _check_sample(sample: str, keys: Keys) -> None:
    try:
        keys.open_event_ref(sample)
    except NotOurs:
        raise refuse("malformed_field", "sample", "the event_ref of a drawn service event") from None


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
    _check_names(message.object.id if message.object.type is not ObjectType.STAFF else None, "object.id")
    if isinstance(message, SupervisoryRating) and message.sample:
        _check_sample(message.sample, keys)
    policy = policy_of(region, arrival.received_at)
    check_length(len(message.comment or ""), policy)
    item = message.object.id if message.object.type in {ObjectType.ITEM, ObjectType.GUIDE} else None
    entry = FreestandingEntry.of(message, arrival, keys, policy, _unlisted(message.object.organisation, item, arrival))
    outcome = ledger.insert_freestanding(entry, freestanding_key(message, arrival.party))
    if outcome is Outcome.ACCEPTED:
        vault.keep([message.rater, message.agent], arrival.party, arrival.received_at, keys)
    return outcome


# ---------------------------------------------------------------------- rules and scopes


def province_region() -> str:
    """The 12-digit code of the stack's province."""
    return province_of(settings().province_code)


def policy_of(region_code: str, at: datetime) -> Policy:
    """The rules in force in a region (12 digits) at that moment."""
    return in_force(registry.rules(region_code), region_code, day_of(at))


def check_scope(party_id: str, region_code: str, organisation: str | None, at: datetime) -> None:
    """Raises Refused (`out_of_scope`) unless the party may speak for this region and organisation.

    An organisation that is registered must lie in the party's scope, or above the region, as one that serves a whole city does.
    """
    day = day_of(at)
    party = registry.party(party_id, day)
    if party is None or not party.may_speak_for(region_code, organisation):
        raise refuse("out_of_scope", "region_code")
    known = registry.find("organisation", organisation, day) if organisation else None
    if known and known["region_code"] not in ancestry(region_code) and not party.may_speak_for(known["region_code"], organisation):
        raise refuse("out_of_scope", "organisation")
