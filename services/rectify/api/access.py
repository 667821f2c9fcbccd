"""Who sees which case, and how much of it (domain handbook, sections 17.4 and 18). Pure.

A unit sees the cases in which it has a part, and never what goes past it; a supervisor sees the cases of its scope, whole, unless the body
that it belongs to is itself rated. Channel platforms ask by receipt; consumers are told by events and figures.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

from contract.codes import Role
from contract.identifiers import lies_within

if TYPE_CHECKING:
    from rectify.case import Case


class Sight(Enum):
    """How much of a case is seen: none of it, what a unit may know, or everything that is stored."""

    NOTHING = auto()
    UNIT = auto()
    WHOLE = auto()


class Reader(NamedTuple):
    """A party that asks, with its scope; `belongs_to` is the organisation of a supervisor's persons, None where none is registered."""

    party: str
    role: Role
    regions: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    belongs_to: str | None = None

    def reaches(self, region: str) -> bool:
        """Whether a region (12 digits) lies in the party's scope."""
        return lies_within(region, self.regions)

    def supervises(self, region: str, unit: str | None) -> bool:
        """Whether the cases of a unit in a region lie in the scope of a supervisor; where it names organisations, theirs alone."""
        return self.reaches(region) and (not self.organisations or unit in self.organisations)


def sight(reader: Reader, case: Case) -> Sight:
    """How much of the case the party sees."""
    if reader.role is Role.UNIT:
        return Sight.NOTHING if _handling(case).isdisjoint(reader.organisations) else Sight.UNIT
    if reader.role is Role.SUPERVISOR and (reader.supervises(case.region, case.unit) or reader.belongs_to in case.routing.above):
        # A managing body that is itself rated is a unit like any other.
        return Sight.UNIT if reader.belongs_to in case.involved else Sight.WHOLE
    return Sight.NOTHING


def _handling(case: Case) -> frozenset[str]:
    """The unit in charge, those with a part in it, and the one that is asked to take it over."""
    asked = [case.transfer.unit] if case.transfer else []
    return frozenset(filter(None, (case.unit, *asked, *(part.organisation for part in case.subtasks))))
