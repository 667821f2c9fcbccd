"""On what ground a message stands: the rules in force, the scope of its party, what the registers know of what it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud import registry
from cloud.settings import settings
from contract.codes import Flag
from contract.identifiers import BASE_CODE, ancestry, task_code
from contract.refusals import refuse
from contract.zone import day_of
from policy.rules import in_force
from policy.screening import leads_to_person

if TYPE_CHECKING:
    from datetime import datetime

    from contract.arrival import Arrival
    from policy.rules import Policy


def province_region() -> str:
    """The 12-digit code of the stack's province."""
    return settings().province


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


def unlisted(organisation: str, item: str | None, arrival: Arrival) -> tuple[Flag, ...]:
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


def check_name(name: str | None, field: str) -> None:
    """Raises Refused for a name of a thing that is somebody's identity number or telephone: names of things are published."""
    if name and leads_to_person(name):
        raise refuse("malformed_field", field, "the name of a thing, not of a person")
