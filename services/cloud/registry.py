"""Registered parties, regions and rules, as the operator loaded them; read through a cache of 60 s.

Key: `kind#id` / valid_from (a date). The newest record that is valid on the day counts.
"""

from __future__ import annotations

import json
import time
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from cloud.settings import settings
from cloud.table import put_new, query
from contract.codes import Role
from contract.identifiers import RegionCode, ancestry
from contract.model import Model

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS = 60.0


class Record(Model):
    """One registered thing, valid from a date."""

    kind: str
    id: str
    valid_from: date
    value: dict[str, Any]


class Party(Model):
    """Who may send: role, scope (region codes), profile of its wire format."""

    id: str
    role: Role
    name: str
    name_en: str
    profile: str
    regions: tuple[RegionCode, ...] = ()

    def may_speak_for(self, region_code: str) -> bool:
        """True if the region lies in the party's scope."""
        return any(region in self.regions for region in ancestry(region_code)[1:])


class _Cached(NamedTuple):
    read_at: float
    records: list[Record]


_cache: dict[str, _Cached] = {}


def records(kind: str, id: str) -> list[Record]:
    """Every record of the thing, oldest first, as it was at most a minute ago."""
    key = f"{kind}#{id}"
    cached = _cache.get(key)
    if cached and time.monotonic() - cached.read_at < _SECONDS:
        return cached.records
    read_at = time.monotonic()
    found = list(_read(kind, id))
    # What is not registered is not remembered, since its name may be anybody's invention; except that a region has no rules of its own.
    if found or kind == "policy":
        _cache[key] = _Cached(read_at, found)
    return found


def _read(kind: str, id: str) -> Iterator[Record]:
    for item in query(settings().registry_table, f"{kind}#{id}"):
        yield Record(kind=kind, id=id, valid_from=item["sk"], value=json.loads(item["value"]))


def forget() -> None:
    """Drops the cache, for a process that has just loaded the registry."""
    _cache.clear()


def find(kind: str, id: str, on: date) -> dict[str, Any] | None:
    """What is registered about the thing on that day, None if nothing is."""
    valid = [record for record in records(kind, id) if record.valid_from <= on]
    return valid[-1].value if valid else None


def party(id: str, on: date) -> Party | None:
    """The registered party, None if it is not registered on that day."""
    value = find("party", id, on)
    return Party(id=id, **value) if value else None


def knows_region(region_code: str, on: date) -> bool:
    """Whether the 12-digit code is in the region table on that day."""
    return find("region", region_code, on) is not None


def rules(region_code: str) -> list[dict[str, Any]]:
    """Every registered rule of a region (12 digits) and of the regions above it, as `policy.rules.in_force` takes them."""
    return [
        {"region": code, "valid_from": record.valid_from, "rules": record.value}
        for code in ancestry(region_code)
        for record in records("policy", code)
    ]


def add(record: Record) -> dict[str, Any] | None:
    """Loads a record. Returns None if it is new, else what is registered under its date: a change is a record of a later date."""
    item = {
        "pk": f"{record.kind}#{record.id}",
        "sk": record.valid_from.isoformat(),
        "value": json.dumps(record.value, ensure_ascii=False, sort_keys=True),
    }
    there = put_new(settings().registry_table, item)
    return json.loads(there["value"]) if there else None
