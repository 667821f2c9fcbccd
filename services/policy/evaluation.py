"""指标体系: what an evaluation consists of, and with what weight. Dated data of nation, sector and regions (国办发〔2019〕51号, 二(四)).

A level adds indicators, raises weights, and moves floors and targets to the stricter side; what it does not name stays as it is above, so
that nothing can be dropped. What is looser is refused when it is loaded (`laxer`), and has no effect where a level above has become
stricter since.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from contract.codes import Aspect
from contract.identifiers import NATION, ancestry
from contract.model import Model
from policy.strictness import Laxer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Value = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_SECTOR = "sector:"


class NoScale(ValueError):
    """Floor and target are the same: nothing lies between 0 and 100."""


class NamedTwice(ValueError):
    """An indicator stands twice in one system."""


class Formula(Model):
    """An indicator of one's own: the sum of some counters by that of others.

    Counters are named as `scoring.counters` names them; `*` stands for any part (`VISIT.1.SELF_*.DISSATISFIED`).
    """

    zh: Text
    en: Text
    numerator: Annotated[tuple[Text, ...], Field(min_length=1)]
    denominator: Annotated[tuple[Text, ...], Field(min_length=1)]


class Entry(Model):
    """An indicator in a system: 0 points at its floor or on the far side of it, 100 at its target or beyond, linear between.

    Floor and target are in the indicator's own unit, a share or points; where less is better the floor lies above the target. `source`
    says where the values come from, and which of them nobody has confirmed.
    """

    indicator: Text
    aspect: Aspect
    weight: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]
    floor: Value
    target: Value
    source: Text
    formula: Formula | None = None

    @model_validator(mode="after")
    def _has_a_scale(self) -> Self:
        if self.floor == self.target:
            raise NoScale(f"{self.indicator}: floor and target are both {self.floor}")
        return self

    @property
    def less_is_better(self) -> bool:
        """Whether a smaller value scores higher."""
        return self.floor > self.target

    def score(self, value: float) -> float:
        """The points (0 to 100) of a value of the indicator."""
        return 100 * min(max((value - self.floor) / (self.target - self.floor), 0.0), 1.0)


class System(Model):
    """What one level sets: the nation (`000000000000`), a sector (`sector:税务`) or a region (12 digits), from a date on."""

    of: Annotated[str, StringConstraints(pattern=rf"^([0-9]{{12}}|{_SECTOR}.{{1,100}})$")]
    valid_from: date
    entries: Annotated[tuple[Entry, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        names = [entry.indicator for entry in self.entries]
        if repeated := {name for name in names if names.count(name) > 1}:
            raise NamedTwice(f"{self.of}: {', '.join(sorted(repeated))}")
        return self

    @property
    def version(self) -> str:
        """How a figure that was computed by it names it."""
        return f"{self.of}@{self.valid_from}"


class Evaluation(Model):
    """The index system in force somewhere on a day; `version` names what it was put together from."""

    version: str
    entries: tuple[Entry, ...]


def levels_of(region: str, sector: str | None) -> list[str]:
    """Whose systems apply in a region (12 digits) and sector: nation, sector, province, city, county, from the top."""
    nation, *regions = ancestry(region)
    return [nation, *([_SECTOR + sector] if sector else []), *regions]


def in_force(dated: Iterable[System | Mapping[str, Any]], region: str, sector: str | None, on: date) -> Evaluation:
    """The system of a region (12 digits) and sector (None for none) on a day (Asia/Shanghai).

    Systems may come as they are registered (`of`, `valid_from`, `entries`). Raises ValidationError for what is none.
    """
    return _merged(_current(dated, levels_of(region, sector), on))


def laxer(dated: Iterable[System], here: System) -> list[Laxer]:
    """What a level sets looser than the levels above it do on the day from which it holds; empty if nothing.

    A sector stands under the nation, a region under the nation and the regions above it: what a sector asks for binds nobody else.
    """
    above = [NATION] if here.of.startswith(_SECTOR) else ancestry(here.of)
    upper = _merged(_current(dated, [level for level in above if level != here.of], here.valid_from))
    known = {entry.indicator: entry for entry in upper.entries}
    return [found for entry in here.entries if entry.indicator in known for found in _laxer(known[entry.indicator], entry)]


def _current(dated: Iterable[System | Mapping[str, Any]], levels: list[str], on: date) -> list[System]:
    known = [System.model_validate(system) for system in dated]
    current = ([system for system in known if system.of == level and system.valid_from <= on] for level in levels)
    return [max(held, key=lambda system: system.valid_from) for held in current if held]


def _merged(systems: list[System]) -> Evaluation:
    entries: dict[str, Entry] = {}
    for entry in (entry for system in systems for entry in system.entries):
        above = entries.get(entry.indicator)
        entries[entry.indicator] = _stricter(above, entry) if above else entry
    return Evaluation(version=" ".join(system.version for system in systems) or "none", entries=tuple(entries.values()))


def _stricter(above: Entry, here: Entry) -> Entry:
    """The lower level's entry, with the upper one's value wherever it is looser."""
    kept = {found.field.rpartition(".")[2] for found in _laxer(above, here)}
    if kept & {"direction", "formula"}:
        return above
    return here.model_copy(update={"formula": above.formula} | {name: getattr(above, name) for name in kept})


def _laxer(above: Entry, here: Entry) -> list[Laxer]:
    """Weight, floor and target that are looser; aspect, direction and formula that are others."""
    if above.less_is_better != here.less_is_better:
        return [Laxer(f"{here.indicator}.direction", (above.floor, above.target), (here.floor, here.target))]
    sign = -1 if above.less_is_better else 1
    is_laxer = {
        "aspect": here.aspect is not above.aspect,
        "weight": here.weight < above.weight,
        "floor": sign * here.floor < sign * above.floor,
        "target": sign * here.target < sign * above.target,
        "formula": here.formula not in (None, above.formula),
    }
    return [Laxer(f"{here.indicator}.{name}", getattr(above, name), getattr(here, name)) for name, so in is_laxer.items() if so]
