"""Indicators, computed from counts when they are read. Numerator and denominator stand beside every rate (domain handbook, 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from contract.codes import Level, Provenance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class Rate(NamedTuple):
    """A share of counted ratings."""

    numerator: int
    denominator: int

    def shown(self, min_n: int) -> float | None:
        """The share, None below the minimum n of the policy."""
        return self.numerator / self.denominator if self.denominator >= max(min_n, 1) else None


class Row(NamedTuple):
    """A counter taken apart."""

    kind: str
    round: int
    provenance: Provenance
    level: Level
    amount: int


def rows(counts: Mapping[str, int]) -> list[Row]:
    """The counters of a node as rows."""
    return [_row(name, int(amount)) for name, amount in sorted(counts.items())]


def _row(name: str, amount: int) -> Row:
    kind, round, provenance, level = name.split(".")
    return Row(kind, int(round), Provenance(provenance), Level(level), amount)


def by_level(counted: Iterable[Row]) -> dict[Level, int]:
    """First-round ratings that somebody gave, per level."""
    given = [row for row in counted if _given_first(row)]
    return {level: sum(row.amount for row in given if row.level is level) for level in Level}


def good_rate(counted: Iterable[Row], good_levels: Iterable[Level]) -> Rate:
    """好评率: good levels of the policy among all ratings of round 1 that somebody gave.

    The formula is in local practice (吉安, 泰安); the national annex is not available. Default ratings never count.
    """
    good = set(good_levels)
    return _rate(counted, lambda row: row.level in good)


def bad_rate(counted: Iterable[Row]) -> Rate:
    """差评率: the two bad levels among all ratings of round 1 that somebody gave (Guangdong, 揭阳)."""
    return _rate(counted, lambda row: row.level.is_bad)


def _rate(counted: Iterable[Row], matches: Callable[[Row], bool]) -> Rate:
    given = [row for row in counted if _given_first(row)]
    return Rate(sum(row.amount for row in given if matches(row)), sum(row.amount for row in given))


def _given_first(row: Row) -> bool:
    return row.round == 1 and row.provenance is not Provenance.DEFAULT
