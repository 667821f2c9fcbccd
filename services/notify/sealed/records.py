"""What is sealed of a Ledger entry: its public record, in the one spelling whose bytes are a leaf of the tree.

A record is `entry` (E, R, D, X) and those facts that may leave intake. The line of a raw segment says more (how late a rating was given,
on which device); that is left out. The same bytes come of the line that an entry has today, so that a Ledger can be held against its seals.
"""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

from contract.ledger import RatingFacts, ServiceFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cloud.segments import Line

_RATING = tuple(RatingFacts.model_fields)
_FIELDS = {
    "E": (*ServiceFacts.model_fields, "event_ref", "status", "day"),
    "R": _RATING,
    "D": _RATING,
    "X": (*_RATING, "turn", "reason", "decided_day"),
}

RATINGS = ("R", "D")
"""The kinds of entry that are ratings."""

# In a file services come before their ratings, and these before their exclusions: who reads on needs no second look.
_RANK = {"E": 0, "R": 1, "D": 1, "X": 2}


def is_sealed(line: Line) -> bool:
    """Whether an entry of this kind is sealed: services, ratings, defaults, exclusions and their restorings."""
    return line.entry in _FIELDS


def home_day(line: Line) -> date:
    """The day with which an entry is sealed: the last of the days whose counts it moves. An exclusion lies with its decision."""
    return date.fromisoformat(max(line.days))


def record_of(line: Line) -> dict[str, Any]:
    """The public record of a line of a kind that is sealed. Raises KeyError for another."""
    return {"entry": line.entry} | {name: line.facts[name] for name in _FIELDS[line.entry] if name in line.facts}


def canonical(document: Mapping[str, Any]) -> bytes:
    """JSON in its one spelling: sorted names, no spaces, UTF-8 as it is."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def name_of(record: Mapping[str, Any]) -> str:
    """By what a record is known among all: a service at a status, a rating, a turn of one. Leads to no case file."""
    kind = record["entry"]
    if kind == "E":
        return f"E {record['event_ref']} {record['status']}"
    return f"{kind} {record['rating_id']}" + (f" {record['turn']}" if kind == "X" else "")


def rank_of(kind: str) -> int:
    """Where a kind of entry stands in a file."""
    return _RANK[kind]
