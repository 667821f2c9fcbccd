"""Whether a rating costs more the more there were before it.

The same ratings are accepted and counted after 10³ to 10⁶ others, which are put into the model's tables directly. Those others were given
on earlier days, ten thousand a day. Counting is measured once more with all of them given on the same day, which is where a
score item can grow: by the counters that it has not had yet, and then no further.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from haochaping.measure import ours
from haochaping.measure.modelled import modelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from haochaping.measure.model import Key, Model, Wire

SIZES = (1_000, 10_000, 100_000, 1_000_000)
_A_DAY = 10_000
# Nobody reads the entries of other case files, so that they may share one short item.
_ENTRY: Wire = {"pk": {"S": "P#"}, "sk": {"S": "E#"}}


class Grown(NamedTuple):
    """What a rating costs after so many others, and what counting it costs if those were of the same day."""

    history: int
    cost: ours.Cost
    same_day: ours.Cost


def measure(history: int, ratings: int) -> Grown:
    """Accepts and counts so many ratings after the others."""
    visits = ours.visits(ratings)
    with modelled() as model:
        _fill_ledger(model, history)
        accepted, entries = ours.admitted(model, visits)
        ours.counted(model, entries)
        today = dict(model.tables["scores_table"])
        model.tables["scores_table"] = dict(_earlier(today, history))
        counting = ours.counted(model, entries)
        model.tables["scores_table"] = {key: _times(item, history / ratings) for key, item in today.items()}
        return Grown(history, ours.together("", accepted, counting), ours.counted(model, entries, "shardId-2"))


def _fill_ledger(model: Model, history: int) -> None:
    ledger = model.tables["ledger_table"]
    for number in range(history):
        for sk in ("E#01#3", "R#01#1"):
            ledger[f"P#{number:09}", sk] = _ENTRY


def _earlier(today: dict[Key, Wire], history: int) -> Iterator[tuple[Key, Wire]]:
    """The items of the days before, as many days as the history takes."""
    for (pk, sk), item in today.items():
        for days in range(1, max(history // _A_DAY, 1) + 1):
            yield (pk, f"{date.fromisoformat(sk[:10]) - timedelta(days=days)}{sk[10:]}"), item


def _times(item: Wire, factor: float) -> Wire:
    return {name: {"N": str(round(int(value["N"]) * factor))} if "N" in value else value for name, value in item.items()}
