"""From a batch of records to one delta per score item. Pure."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from scoring.tally import shares

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from contract.ledger import Counted
    from scoring.lanes import Checkpoint
    from scoring.nodes import ScoreKey


# An update expression holds 4 KB and 300 operators.
MOST_COUNTERS = 200


class Placed(NamedTuple):
    """An entry and its place in the lane."""

    place: Checkpoint
    entry: Counted


class Step(NamedTuple):
    """What one record adds to one item."""

    place: Checkpoint
    counter: str
    amount: int


class Delta(NamedTuple):
    """What a batch adds to one item, from the first to the last of the records that touch this item."""

    key: ScoreKey
    steps: tuple[Step, ...]

    @property
    def first(self) -> Checkpoint:
        """The place of the first record."""
        return self.steps[0].place

    @property
    def last(self) -> Checkpoint:
        """The place of the last record, which becomes the checkpoint."""
        return self.steps[-1].place

    @property
    def counts(self) -> Counter[str]:
        """How much each counter moves. What comes to nothing is named too: its checkpoint must be."""
        total: Counter[str] = Counter()
        for step in self.steps:
            total[step.counter] += step.amount
        return total

    def portions(self) -> Iterator[Delta]:
        """The delta in pieces that an update can hold, in order; a record is never cut."""
        held: list[Step] = []
        names: set[str] = set()
        for _, record in groupby(self.steps, key=lambda step: step.place):
            steps = list(record)
            if held and len(names | {step.counter for step in steps}) > MOST_COUNTERS:
                yield Delta(self.key, tuple(held))
                held, names = [], set()
            held += steps
            names |= {step.counter for step in steps}
        if held:
            yield Delta(self.key, tuple(held))

    def after(self, checkpoint: Checkpoint) -> Delta | None:
        """The part that a checkpoint has not seen, None if it has seen all."""
        rest = tuple(step for step in self.steps if step.place.sequence > checkpoint.sequence)
        return Delta(self.key, rest) if rest else None


def fold(records: Iterable[Placed]) -> list[Delta]:
    """One delta per item that the records touch. Records come in lane order; a copy within the batch is counted once."""
    steps: dict[ScoreKey, list[Step]] = {}
    newest = -1
    for place, entry in records:
        if place.sequence <= newest:
            continue
        newest = place.sequence
        for share in shares(entry):
            steps.setdefault(share.key, []).append(Step(place, share.counter, share.amount))
    return [Delta(key, tuple(taken)) for key, taken in steps.items()]
