"""From a batch of records to one delta per score item. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from scoring.nodes import counter_of, nodes_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contract.ledger import RatingFacts
    from scoring.lanes import Checkpoint


class Counted(NamedTuple):
    """A rating and its place in the lane."""

    place: Checkpoint
    rating: RatingFacts


class ScoreKey(NamedTuple):
    """The key of a score item: node and Asia/Shanghai day."""

    pk: str
    sk: str


class Step(NamedTuple):
    """What one record adds to one item."""

    place: Checkpoint
    counter: str


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
        """How much each counter grows."""
        return Counter(step.counter for step in self.steps)

    def after(self, checkpoint: Checkpoint) -> Delta | None:
        """The part that a checkpoint has not seen, None if it has seen all."""
        rest = tuple(step for step in self.steps if step.place.sequence > checkpoint.sequence)
        return Delta(self.key, rest) if rest else None


def fold(records: Iterable[Counted]) -> list[Delta]:
    """One delta per item that the records touch. Records come in lane order; a copy within the batch is counted once."""
    steps: dict[ScoreKey, list[Step]] = {}
    newest = -1
    for place, rating in records:
        if place.sequence <= newest:
            continue
        newest = place.sequence
        step = Step(place, counter_of(rating))
        for node in nodes_of(rating):
            steps.setdefault(ScoreKey(node, rating.day.isoformat()), []).append(step)
    return [Delta(key, tuple(taken)) for key, taken in steps.items()]
