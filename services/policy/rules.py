"""Local rules: dated, per region, inherited nation -> province -> city -> county, each only stricter (domain handbook, 13)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from contract.codes import Level, TimeUnit
from contract.identifiers import ancestry
from contract.model import Model

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class TimeLimit(Model):
    """A deadline's length: HOUR and DAY are natural, WORKDAY is statutory."""

    value: Annotated[int, Field(ge=0, le=366)]
    unit: Literal[TimeUnit.HOUR, TimeUnit.DAY, TimeUnit.WORKDAY]


class Rules(Model):
    """What one level sets. A field that is not set constrains nobody."""

    first_contact: TimeLimit | None = None
    rectify_simple: TimeLimit | None = None
    rectify_complex: TimeLimit | None = None
    good_levels: frozenset[Level] | None = None
    min_n: Annotated[int, Field(ge=1)] | None = None
    max_text_length: Annotated[int, Field(ge=1)] | None = None
    clock_skew_days: Annotated[int, Field(ge=0)] | None = None

    def fields_set(self) -> dict[str, Any]:
        """The rules that this level sets, by name."""
        return {name: value for name, value in self if value is not None}


class DatedRules(Model):
    """The rules of one region from a date on, until its next ones."""

    region: str
    valid_from: date
    rules: Rules

    @property
    def version(self) -> str:
        """How a record that was judged by these rules names them."""
        return f"{self.region}@{self.valid_from}"


class Policy(Model):
    """The rules in force somewhere on a day. Values that no level sets are ours (domain handbook, section 22).

    A deadline that no level sets is None: there is then no such clock.
    """

    version: str
    first_contact: TimeLimit | None = None
    rectify_simple: TimeLimit | None = None
    rectify_complex: TimeLimit | None = None
    good_levels: frozenset[Level] = frozenset({Level.VERY_SATISFIED, Level.SATISFIED, Level.BASICALLY_SATISFIED})
    min_n: int = 10
    max_text_length: int = 1000
    clock_skew_days: int = 7


def layers(dated: Iterable[DatedRules | Mapping[str, Any]], region: str, on: date) -> list[DatedRules]:
    """The rules that apply to a region (12 digits) on a day (Asia/Shanghai), from the nation down."""
    known = [DatedRules.model_validate(entry) for entry in dated]
    chain = []
    for code in ancestry(region):
        current = [entry for entry in known if entry.region == code and entry.valid_from <= on]
        chain += [max(current, key=lambda entry: entry.valid_from)] if current else []
    return chain


def in_force(dated: Iterable[DatedRules | Mapping[str, Any]], region: str, on: date) -> Policy:
    """The policy of a region (12 digits) on a day (Asia/Shanghai): the lower level's value where it sets one.

    Rules may come as they are registered (`region`, `valid_from`, `rules`). Raises ValidationError for rules that are none.
    """
    chain = layers(dated, region, on)
    merged: dict[str, Any] = {}
    for layer in chain:
        merged |= layer.rules.fields_set()
    return Policy(version=" ".join(layer.version for layer in chain) or "default", **merged)
