"""What a day of ratings costs: windows of it, drawn by `traffic`, counted by the real handler against items filled by `history`.

Whole windows are taken, every lane of them, at times spread over the day; each stands for the part of the day's ratings around it. Units
are those of the model.
"""

from __future__ import annotations

import time
from collections import Counter
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from cloud import clock
from haochaping.measure import others, ours
from haochaping.measure.drawn import Drawn
from haochaping.measure.history import History
from haochaping.measure.model import Write, on_wire, size_of
from haochaping.measure.modelled import modelled
from haochaping.measure.sizes import worked_out
from haochaping.measure.traffic import CLOSES, DAY, OPENS, Traffic, share_between
from scoring.app import count
from scoring.tally import shares

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from haochaping.measure.model import Model

SECONDS = 60
_OTHERS_TAKE = 40


class Moment(NamedTuple):
    """A time of the day, in seconds, and the part of the day's ratings for which it stands."""

    second: float
    weight: float

    @property
    def in_office_hours(self) -> bool:
        """Whether it lies in the hours in which nearly all of the traffic comes."""
        return OPENS <= self.second < CLOSES


def moments(in_office_hours: int) -> list[Moment]:
    """So many in office hours, one before and one after them, each in the middle of its part of the day."""
    length = (CLOSES - OPENS) / in_office_hours
    ends = [0.0, *(OPENS + n * length for n in range(in_office_hours + 1)), float(DAY)]
    return [Moment((start + end) / 2, share_between(start, end)) for start, end in pairwise(ends)]


class Counted(NamedTuple):
    """What the updates of a window took, all lanes together, by kind of item (`kind_of`)."""

    updates: Counter[str]
    units: Counter[str]

    @classmethod
    def of(cls, writes: Iterable[Write], today: str) -> Self:
        """The sum of these writes."""
        updates: Counter[str] = Counter()
        units: Counter[str] = Counter()
        for write in writes:
            updates[kind_of(write.key, today)] += 1
            units[kind_of(write.key, today)] += write.units
        return cls(updates, units)


class Window(NamedTuple):
    """What was measured of one window. `seconds` are the handler's own, all lanes one after the other; `largest` is in bytes.

    `organisations` is how often one came up in a batch, `by_lanes` what other numbers of lanes would have taken, `others` calls and
    units per rating of the other ways.
    """

    moment: Moment
    ratings: int
    records: int
    batches: int
    organisations: int
    stored: Counter[str]
    counted: Counted
    seconds: float
    busiest: int
    largest: int
    by_lanes: dict[int, Counted]
    others: dict[str, tuple[float, float]]


@cache
def _history(per_day: int) -> History:
    return History(Traffic(per_day, clock.wall().date()))


def measure(per_day: int, moment: Moment, lanes: int, other_lanes: Sequence[int] = ()) -> Window:
    """Counts one window in the lanes, and works out what it would have taken in other numbers of them."""
    history = _history(per_day)
    drawn = Drawn(history, moment.second, SECONDS)
    with modelled() as model:
        batches = [drawn.event(batch) for batch in drawn.batches(lanes)]
        _fill(model, drawn, lanes)
        writes: list[Write] = []
        model.wrote = writes.append
        seconds = _counted(model, batches)
        touched = Counter(write.key for write in writes)
        return Window(
            moment=moment,
            ratings=drawn.ratings,
            records=len(drawn.records),
            batches=len(batches),
            organisations=drawn.organisations(lanes),
            stored=drawn.stored(),
            counted=Counted.of(writes, history.today),
            seconds=seconds,
            busiest=max(touched.values()),
            largest=max(size_of(model.tables["scores_table"][key]) for key in touched),
            by_lanes={number: Counted.of(worked_out(drawn, number), history.today) for number in other_lanes},
            others=_others(model, drawn),
        )


def _fill(model: Model, drawn: Drawn, lanes: int) -> None:
    model.tables["scores_table"] = {(key.pk, key.sk): on_wire(key._asdict() | item) for key, item in drawn.table(lanes).items()}


def kind_of(key: tuple[str, str], today: str) -> str:
    """The kind of a score item; that of an earlier day is a kind of its own."""
    return key[0].partition("#")[0] if key[1] >= today else "earlier"


def _counted(model: Model, batches: Sequence[dict[str, Any]]) -> float:
    """Seconds that the handler took, without the model's: of the processor, since nothing here waits for anything else."""
    inside, started = model.seconds, time.process_time()
    for batch in batches:
        count(batch, ours.CONTEXT)
    return time.process_time() - started - (model.seconds - inside)


def _others(model: Model, drawn: Drawn) -> dict[str, tuple[float, float]]:
    """Calls and units per rating of the other ways, over a few entries of the window; their items hold no checkpoints."""
    some = drawn.history.random.sample(range(len(drawn.written)), min(_OTHERS_TAKE, len(drawn.written)))
    per_rating = len(drawn.written) / max(drawn.ratings, 1) / len(some)
    _fill(model, drawn, lanes=0)
    touched = {(share.key.pk, share.key.sk) for n in some for share in shares(drawn.entries[n])}
    before = {key: item for key, item in model.tables["scores_table"].items() if key in touched}
    found = {}
    for name, made in others.WAYS.items():
        take = made()
        model.tables["scores_table"], model.tables["ledger_table"] = before, {}
        calls, units = model.calls.total(), model.write_units
        for n in some:
            take(drawn.written[n].item, drawn.entries[n])
        found[name] = ((model.calls.total() - calls) * per_rating, (model.write_units - units) * per_rating)
    return found
