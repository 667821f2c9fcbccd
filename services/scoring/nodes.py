"""Nodes: what is scored, and where its counts lie.

| node | id | partition | sort key |
|---|---|---|---|
| `province`, `city`, `county`, `township` | region code, 12 digits | the node | day |
| `base` | basic code, 12 characters: the same item everywhere | the node | day |
| `platform`, `channel`, `service_channel` | its code | the node | day |
| `organisation` | credit code | the node | day`#`task code, or `-` where a rating names no item: its figure is their sum |
| `item` | credit code`#`task code | that of its organisation | day`#`task code |
| `window` | credit code`#`window | `desks#`credit code | day`#`window |
| `staff` | credit code`#`staff reference | `desks#`credit code | within the windows at which they sat, counters `staff.<reference>.…` |

An organisation has no item of its own, since a rating that touches it touches one of its items too. Staff and terminals are packed into
their window: they are touched together. What it costs stands in docs/decisions.md. Each item lies in the slots of `scoring.scores`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

from contract.identifiers import BASE_CODE, city_of, county_of, province_of, task_code, township_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from contract.codes import RatingChannel
    from contract.ledger import ServiceFacts

REGIONS = ("province", "city", "county", "township")
OF_AN_ORGANISATION = ("item", "window", "staff")
KINDS = (*REGIONS, "base", "platform", "channel", "service_channel", "organisation", *OF_AN_ORGANISATION)
NO_ITEM = "-"


class NoNode(ValueError):
    """A text that names no node."""


class Node(NamedTuple):
    """A node by kind and id; what belongs to an organisation has `<credit code>#<code>` as its id."""

    kind: str
    id: str

    @classmethod
    def of(cls, text: str) -> Self:
        """The node that `kind#id` names; an item may be named by its code alone, of 31 or 33 characters. Raises NoNode."""
        kind, _, id = text.partition("#")
        if kind == "item":
            organisation, _, code = id.rpartition("#")
            id = f"{organisation or code[:18]}#{task_code(code)}"
        if kind not in KINDS or not id or (kind in OF_AN_ORGANISATION and not id.partition("#")[2]):
            raise NoNode(text)
        return cls(kind, id)

    def __str__(self) -> str:
        """`kind#id`."""
        return f"{self.kind}#{self.id}"

    @property
    def organisation(self) -> str | None:
        """The organisation that it is or belongs to."""
        return self.id.partition("#")[0] if self.kind in {"organisation", *OF_AN_ORGANISATION} else None

    @property
    def part(self) -> str:
        """What it is within its organisation: task code, window, or staff reference."""
        return self.id.partition("#")[2]

    @property
    def partition(self) -> str:
        """The partition in which its counts lie."""
        if self.kind in {"window", "staff"}:
            return f"desks#{self.organisation}"
        return f"organisation#{self.organisation}" if self.organisation else str(self)


class ScoreKey(NamedTuple):
    """The key of a score item."""

    pk: str
    sk: str

    @property
    def day(self) -> str:
        """The Asia/Shanghai day that it counts for."""
        return self.sk[:10]


def region_kind(code: str) -> str:
    """Which level a 12-digit code is of."""
    return REGIONS[len(regions_of(code)) - 1]


def regions_of(code: str) -> list[str]:
    """Province, city, county and township that a 12-digit code lies in, as far as it reaches."""
    return [found for found in (province_of(code), city_of(code), county_of(code), township_of(code)) if found]


def flat_keys(facts: ServiceFacts, channel: RatingChannel | None, day: date) -> Iterator[ScoreKey]:
    """The items of the nodes that have one each: regions, the same item everywhere, platform, both channels."""
    nodes: list[tuple[str, str | None]] = list(zip(REGIONS, regions_of(facts.region_code), strict=False))
    nodes.append(("base", facts.task_code[BASE_CODE] if facts.task_code else None))
    nodes += [("platform", facts.platform), ("channel", channel), ("service_channel", facts.service_channel)]
    yield from (ScoreKey(f"{kind}#{id}", day.isoformat()) for kind, id in nodes if id)


def item_key(facts: ServiceFacts, day: date) -> ScoreKey | None:
    """The item of an organisation that is rated; None for what names no organisation."""
    return ScoreKey(f"organisation#{facts.organisation}", f"{day}#{facts.task_code or NO_ITEM}") if facts.organisation else None


def desk_key(facts: ServiceFacts, day: date) -> ScoreKey | None:
    """The window, or the member of staff if no window is named; None for what names neither."""
    desk = facts.window or facts.staff_ref
    return ScoreKey(f"desks#{facts.organisation}", f"{day}#{desk}") if facts.organisation and desk else None
