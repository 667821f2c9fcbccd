"""Ratings that are bound to no service event: general comments and answers of supervisory checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud import registry
from contract.codes import ObjectType, Provenance
from contract.messages import SupervisoryRating
from contract.refusals import refuse
from contract.zone import day_of
from intake import ledger, vault
from intake.admission import Outcome, check_length
from intake.entries import FreestandingEntry
from intake.ground import check_name, check_scope, policy_of, unlisted
from intake.places import freestanding_key
from intake.sealing import NotOurs

if TYPE_CHECKING:
    from contract.arrival import Arrival
    from contract.messages import Freestanding
    from intake.sealing import Keys


def take_freestanding(message: Freestanding, arrival: Arrival, keys: Keys) -> Outcome:
    """What became of it, once that is durable. Raises Refused."""
    region = message.object.region_code
    if not registry.knows_region(region, day_of(arrival.received_at)):
        raise refuse("unknown_region", "object.region_code")
    check_scope(arrival.party, region, message.object.organisation, arrival.received_at)
    if message.provenance is Provenance.DEFAULT:
        raise refuse("default_not_allowed", "provenance")
    check_name(message.object.id if message.object.type is not ObjectType.STAFF else None, "object.id")
    if isinstance(message, SupervisoryRating) and message.sample:
        _check_sample(message.sample, keys)
    policy = policy_of(region, arrival.received_at)
    check_length(len(message.comment or ""), policy)
    item = message.object.id if message.object.type in {ObjectType.ITEM, ObjectType.GUIDE} else None
    entry = FreestandingEntry.of(message, arrival, keys, policy, unlisted(message.object.organisation, item, arrival))
    outcome = ledger.insert_freestanding(entry, freestanding_key(message, arrival.party))
    if outcome is Outcome.ACCEPTED:
        vault.keep([message.rater, message.agent], arrival.party, arrival.received_at, keys)
    return outcome


def _check_sample(sample: str, keys: Keys) -> None:
    try:
        keys.open_event_ref(sample)
    except NotOurs:
        raise refuse("malformed_field", "sample", "the event_ref of a drawn service event") from None
