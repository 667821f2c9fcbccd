"""The morning as it ended, for the printed tables and for the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections import Counter

    from haochaping.demo.casework import Story
    from haochaping.demo.morning import Morning
    from haochaping.provinces import Province
    from rectify.case import Case


class Checked(NamedTuple):
    """A sum that must be exact."""

    zh: str
    en: str
    expected: int
    found: int

    @property
    def holds(self) -> bool:
        """True if it is."""
        return self.expected == self.found


class Played(NamedTuple):
    """The morning as it ended."""

    province: Province
    morning: Morning
    tally: Counter[str]
    codes: Counter[str]
    checks: list[Checked]
    boards: dict[str, list[dict[str, Any]]]
    cases: list[Case]
    stories: list[Story]
    events: dict[str, dict[str, Any]]
    seconds: float

    @property
    def exact(self) -> bool:
        """True if every sum is."""
        return all(check.holds for check in self.checks)
