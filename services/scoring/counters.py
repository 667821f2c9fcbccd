"""The names of counters: built here, and read here. Nothing is mixed by accident, since a name says all that its number is about.

| counter | what it counts |
|---|---|
| `<kind>.<round>.<provenance>.<level>` | ratings |
| `excluded.<reason>.<the same>` | ratings that were taken out of these |
| `excluded_decided.<reason>`, `restored_decided.<reason>` | decisions, on their own day |
| `tag.<code>[.<check>]` | reasons given by first ratings of services, with what the facts say of them |
| `bad.REAL_NAME`, `unlisted.<provenance>` | first ratings that are bad and of known raters; of items that no register knows |
| `object.<type>.<level>` | general ratings by what they are about |
| `flag.<flag>` | ratings and services that are marked |
| `finished`, `rated.<provenance>` | services that could be rated, and those of them that were, on the day of the service |
| `case.<measure>` | steps of cases |
| `via.<service channel>.<rating channel>`, `delay.<bucket>`, `set.<tags>` | on items, for signals |
| `soon` | on items, for signals: ratings within seconds of the service, on no terminal |
| `hour.<terminal>.<hour>`, `staff.<reference>.hour.<hour>` | at windows, for signals |
| `staff.<reference>.<any of these>` | at windows: what a member of staff has of them |
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from contract.codes import Level, Provenance, RatingKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from contract.ledger import RatingFacts

FINISHED = "finished"
NO_DEVICE = "-"
SOON = "soon"
UNSTATED = "UNSTATED"


def of_rating(rating: RatingFacts) -> str:
    """The counter of a rating."""
    return f"{rating.kind}.{rating.round}.{rating.provenance}.{rating.level}"


def of_staff(reference: str, counter: str) -> str:
    """The counter of a member of staff within a window."""
    return f"staff.{reference}.{counter}"


class Row(NamedTuple):
    """A counter of ratings taken apart. `excluded` is the reason for which they do not count, None for those that do."""

    kind: RatingKind
    round: int
    provenance: Provenance
    level: Level
    amount: int
    excluded: str | None = None


def ratings(counts: Mapping[str, int]) -> Iterator[Row]:
    """The counters of ratings as rows, those that count and those that were excluded."""
    for name, amount in sorted(counts.items()):
        parts = name.split(".")
        excluded = parts.pop(1) if parts[0] == "excluded" else None
        if excluded:
            parts.pop(0)
        if parts[0] in RatingKind.__members__ and amount:
            kind, round, provenance, level = parts
            yield Row(RatingKind(kind), int(round), Provenance(provenance), Level(level), amount, excluded)


def added(parts: Iterable[Mapping[str, int]]) -> Counter[str]:
    """The counters of several nodes, items or days together."""
    total: Counter[str] = Counter()
    for counts in parts:
        total.update(counts)
    return total


def under(counts: Mapping[str, int], prefix: str) -> dict[str, int]:
    """The counters whose names begin so, by the rest of their names."""
    return {name[len(prefix) :]: amount for name, amount in counts.items() if name.startswith(prefix)}
