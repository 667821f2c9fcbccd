"""Registered parties, regions and rules, as the operator loaded them; read through a cache of 60 s.

Key: `kind#id` / valid_from (a date). The newest record that is valid on the day counts. `list#kind#owner` / id lists what belongs to what.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Self

from pydantic import Field, model_validator

from cloud.settings import settings
from cloud.table import put, put_new, query
from contract.codes import ActorRole, Role
from contract.identifiers import BASE_CODE, NATION, PartyId, RegionCode, Uscc, ancestry, lies_within
from contract.model import Model
from contract.zone import day_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

_SECONDS = 60.0
# An item with a long guide takes some 20 kB in memory.
_MOST_REMEMBERED = 5_000
# Kinds of which it is remembered that something is not there: a region without rules of its own, and what messages name without it being
# listed. Of a party it is not, since its name may be anybody's invention.
_ABSENCE_REMEMBERED = {"policy", "index", "grant", "base_item", "organisation", "window", "staff", "platform", "item"}


class Record(Model):
    """One registered thing, valid from a date."""

    kind: str
    id: str
    valid_from: date
    value: dict[str, Any]


class Party(Model):
    """Who may send: role, scope, profile of its wire format, and how it proves itself.

    The scope is regions (codes) and, where some are named, organisations (USCC) within them; `sectors` are lines of work (人社 …) whose
    organisations it may look at in any region, and say nothing for. Every message is signed; where `principals`
    are named (the unique ids of IAM roles or users, as SQS tells the sender), it must also come from one of them.
    """

    id: str
    role: Role
    name: str
    name_en: str
    profile: str
    regions: tuple[RegionCode, ...] = ()
    organisations: tuple[Uscc, ...] = ()
    sectors: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()

    def may_speak_for(self, region_code: str, organisation: str | None = None) -> bool:
        """True if the region lies in the party's scope, and the organisation too if its scope names any."""
        if self.organisations and organisation not in self.organisations:
            return False
        return lies_within(region_code, self.regions)

    def is_sent_by(self, sender: str) -> bool:
        """True if the sender (`<unique id>` or `<unique id>:<session>`) may send as this party."""
        return not self.principals or sender.partition(":")[0] in self.principals


class Grant(Model):
    """In which roles a person of a party may act on cases, and where the person belongs (domain handbook, 17.4).

    Its id is `party#person`, or `party#*` for every person of a party that looks after this itself. Who calls back, decides or supervises
    must have no part in the case, and so belongs somewhere.
    """

    roles: Annotated[tuple[ActorRole, ...], Field(min_length=1)]
    organisation: Uscc | None = None

    @model_validator(mode="after")
    def _independent_of_somebody(self) -> Self:
        if self.organisation is None and not set(self.roles).isdisjoint(_INDEPENDENT):
            raise ValueError("who calls back, decides or supervises belongs to an organisation, which the grant names")
        return self


_INDEPENDENT = {ActorRole.CALLBACK_DESK, ActorRole.SUPERVISOR, ActorRole.REVIEWER}


class Upstream(Model):
    """A level above that is reported to: in which format, where, the records of which regions, from which day of the Ledger on.

    `cases`: rectification results too, where its profile has a format for them. `batch` is a limit of records per call below that of the
    profile. What proves that we are ourselves is in Secrets Manager, under `upstream/<id>`.
    """

    id: PartyId
    profile: str
    url: str
    regions: Annotated[tuple[RegionCode, ...], Field(min_length=1)]
    since: date
    enabled: bool = False
    cases: bool = False
    batch: Annotated[int, Field(ge=1)] | None = None


class _Cached(NamedTuple):
    read_at: float
    records: list[Record]


_cache: OrderedDict[str, _Cached] = OrderedDict()
_gaps: set[tuple[str, str]] = set()


def records(kind: str, id: str) -> list[Record]:
    """Every record of the thing, oldest first, as it was at most a minute ago."""
    key = f"{kind}#{id}"
    cached = _cache.get(key)
    if cached and time.monotonic() - cached.read_at < _SECONDS:
        _remember(key, cached)
        return cached.records
    read_at = time.monotonic()
    found = list(stored(kind, id))
    if found or kind in _ABSENCE_REMEMBERED:
        _remember(key, _Cached(read_at, found))
    return found


def _remember(key: str, cached: _Cached) -> None:
    """Keeps it as the last used; what was not used for longest gives way."""
    _cache.pop(key, None)
    _cache[key] = cached
    if len(_cache) > _MOST_REMEMBERED:
        _cache.popitem(last=False)


def stored(kind: str, id: str) -> Iterator[Record]:
    """Every record of the thing, oldest first, as it stands now."""
    for item in query(settings().registry_table, f"{kind}#{id}"):
        yield Record(kind=kind, id=id, valid_from=item["sk"], value=json.loads(item["value"]))


def forget() -> None:
    """Drops the cache, for a process that has just loaded the registry."""
    _cache.clear()
    _gaps.clear()


def find(kind: str, id: str, on: date) -> dict[str, Any] | None:
    """What is registered about the thing on that day, None if nothing is."""
    valid = [record for record in records(kind, id) if record.valid_from <= on]
    return valid[-1].value if valid else None


def party(id: str, on: date) -> Party | None:
    """The registered party, None if it is not registered on that day."""
    value = find("party", id, on)
    return Party(id=id, **value) if value else None


def upstreams(on: date) -> list[Upstream]:
    """Every level above that is registered on that day, by id, those that are switched off included."""
    found = members("upstream", "stack#", on)
    return [Upstream(id=id, **found[id]) for id in sorted(found)]


def grant(party: str, person: str, on: date) -> Grant | None:
    """What the operator granted to a person of a party, or else to all of its persons; None if nothing."""
    value = find("grant", f"{party}#{person}", on) or find("grant", f"{party}#*", on)
    return Grant.model_validate(value) if value else None


def knows_region(region_code: str, on: date) -> bool:
    """Whether the 12-digit code is in the region table on that day, and not closed."""
    region = find("region", region_code, on)
    return region is not None and "closed" not in region


def lists(kind: str, ids: Iterable[str], on: date) -> bool:
    """Whether one of these is registered on that day."""
    return any(find(kind, id, on) is not None for id in ids)


def report_gap(kind: str, id: str, organisation: str, at: datetime) -> None:
    """Notes that something was named that no register knows: once per thing and day (Asia/Shanghai), under `gap#<day>`."""
    day, key = day_of(at).isoformat(), f"{kind}#{id}"
    if (day, key) in _gaps:
        return
    value = {"kind": kind, "id": id, "organisation": organisation, "first_seen": at.isoformat()}
    put_new(settings().registry_table, {"pk": f"gap#{day}", "sk": key, "value": json.dumps(value, sort_keys=True)})
    if len(_gaps) >= _MOST_REMEMBERED:
        _gaps.clear()
    _gaps.add((day, key))


def rules(region_code: str) -> list[dict[str, Any]]:
    """Every registered rule of a region (12 digits) and of the regions above it, as `policy.rules.in_force` takes them."""
    return [
        {"region": code, "valid_from": record.valid_from, "rules": record.value}
        for code in ancestry(region_code)
        for record in records("policy", code)
    ]


def item_of(record: Record) -> dict[str, str]:
    """The record as the table holds it; equal records are equal items."""
    return {
        "pk": f"{record.kind}#{record.id}",
        "sk": record.valid_from.isoformat(),
        "value": json.dumps(record.value, ensure_ascii=False, sort_keys=True),
    }


def listings_of(record: Record) -> list[dict[str, str]]:
    """Under what a record is listed, as the table holds it: regions and organisations by region, the rest by organisation."""
    value, id = record.value, record.id
    owners = {
        "region": [f"region#{_above(id)}"] if record.kind == "region" else [],
        "organisation": [f"region#{value.get('region_code')}"],
        "window": [f"organisation#{value.get('organisation')}"],
        "staff": [f"organisation#{value.get('organisation')}"],
        "platform": [f"organisation#{value.get('organisation')}"],
        "item": [f"organisation#{id[:18]}", f"base#{id[BASE_CODE]}"],
        "base_item": ["province#"],
        "upstream": ["stack#"],
    }
    return [{"pk": f"list#{record.kind}#{owner}", "sk": id} for owner in owners.get(record.kind, [])]


def _above(region: str) -> str:
    """The region right above one: of a township its county, of a province the nation."""
    return next(code for code in reversed(ancestry(region)) if code != region) if region != NATION else NATION


def listed(kind: str, owner: str) -> list[str]:
    """The ids of a kind that are, or ever were, registered under this owner."""
    return [item["sk"] for item in query(settings().registry_table, f"list#{kind}#{owner}")]


def members(kind: str, owner: str, on: date) -> dict[str, dict[str, Any]]:
    """Everything of a kind that is registered under its owner (`region#<code>`, `organisation#<USCC>`, `base#<code>`) on that day, by id.

    A region that ended is not among them, nor an organisation that has moved elsewhere.
    """
    found = {id: value for id in listed(kind, owner) if (value := find(kind, id, on)) is not None}
    return {id: value for id, value in found.items() if "closed" not in value and _belongs(kind, id, value, owner)}


def regions_from(region: str, on: date | None = None) -> Iterator[str]:
    """A region and every one below it: those registered on a day, or with no day all that ever were. One query for each, when it comes."""
    codes = [region]
    for code in codes:  # grows while it is walked
        yield code
        codes += members("region", f"region#{code}", on) if on else listed("region", f"region#{code}")


def _belongs(kind: str, id: str, value: dict[str, Any], owner: str) -> bool:
    return any(row["pk"] == f"list#{kind}#{owner}" for row in listings_of(Record(kind=kind, id=id, valid_from=date.min, value=value)))


def add(record: Record) -> dict[str, Any] | None:
    """Loads a record. Returns None if it is new, else what is registered under its date: a change is a record of a later date."""
    for row in listings_of(record):
        put(settings().registry_table, row)  # first: a row without its record is passed over
    there = put_new(settings().registry_table, item_of(record))
    return json.loads(there["value"]) if there else None
