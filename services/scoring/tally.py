"""What one entry adds to which counters of which items. Pure; live counting and recount ask nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from contract.codes import Delay, Flag, IdentityMode, ProjectStatus, Provenance, RatingKind
from contract.ledger import CaseStep, CountedRating, CountedService, CountedTurn
from scoring import counters
from scoring.nodes import ScoreKey, desk_key, flat_keys, item_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from contract.codes import RatingChannel
    from contract.ledger import Counted, RatingFacts, ServiceFacts

# Flags of the service. A rating's entry repeats all flags of its event: these are counted with the event, the others with the rating.
_OF_THE_EVENT = {Flag.OVERRUN, Flag.OVERRUN_UNEXPLAINED}


class Share(NamedTuple):
    """What an entry adds to one counter of one item."""

    key: ScoreKey
    counter: str
    amount: int


def shares(entry: Counted) -> Iterator[Share]:
    """Everything that an entry adds. Corrections carry the dimensions of what they correct, so that the order does not matter."""
    match entry:
        case CountedRating():
            yield from _rating(entry)
        case CountedTurn():
            yield from _turn(entry)
        case CountedService():
            yield from _service(entry)
        case CaseStep():
            yield from _everywhere(entry.rating, entry.rating.rating_channel, entry.day, ((f"case.{held}", 1) for held in entry.measures))


def _rating(rating: CountedRating) -> Iterator[Share]:
    channel = rating.rating_channel
    own = [(name, 1) for name in (*_said(rating), *_marked(rating))]
    yield from _everywhere(rating, channel, rating.day, own)
    if _is_first_of_a_service(rating):
        yield from _signs(rating)
        if rating.service_day:
            yield from _everywhere(rating, channel, rating.service_day, [(f"rated.{rating.provenance}", 1)])
    if held := rating.takes_back:
        default = rating.model_copy(update={"provenance": Provenance.DEFAULT, **dict(held)})
        yield from _everywhere(default, held.rating_channel, held.day, [(counters.of_rating(default), -1)])


def _turn(turn: CountedTurn) -> Iterator[Share]:
    out = -1 if turn.turn % 2 else 1
    taken = [(name, out) for name in _said(turn)]
    reason = turn.reason or counters.UNSTATED
    shown = [(f"excluded.{reason}.{counters.of_rating(turn)}", -out)]
    yield from _everywhere(turn, turn.rating_channel, turn.day, taken + shown)
    decided = f"excluded_decided.{reason}" if out < 0 else f"restored_decided.{reason}"
    yield from _everywhere(turn, turn.rating_channel, turn.decided_day, [(decided, 1)])


def _service(event: CountedService) -> Iterator[Share]:
    if event.status is not ProjectStatus.FINISHED:
        return
    names = [counters.FINISHED, *(f"flag.{flag}" for flag in event.flags if flag in _OF_THE_EVENT)]
    if event.rated:
        names.append(f"rated.{event.rated}")
    yield from _everywhere(event, None, event.day, [(name, 1) for name in names])


def _said(rating: RatingFacts) -> Iterator[str]:
    """The counters from which an exclusion takes the rating out again."""
    yield counters.of_rating(rating)
    if rating.kind is RatingKind.GENERAL and rating.object_type:
        yield f"object.{rating.object_type}.{rating.level}"
    if not _is_first_of_a_service(rating):
        return
    checked = rating.checked or {}
    yield from (f"tag.{tag}.{checked[tag]}" if tag in checked else f"tag.{tag}" for tag in rating.tags)
    if Flag.UNLISTED_ITEM in rating.flags:
        yield f"unlisted.{rating.provenance}"
    if rating.level.is_bad and rating.identity_mode is IdentityMode.REAL_NAME:
        yield "bad.REAL_NAME"


def _marked(rating: CountedRating) -> Iterator[str]:
    if rating.provenance is not Provenance.DEFAULT:
        yield from (f"flag.{flag}" for flag in rating.flags if flag not in _OF_THE_EVENT)


def _signs(rating: CountedRating) -> Iterator[Share]:
    """What fabricated ratings are known by: how they came, how soon, with which tags, at which hour."""
    if item := item_key(rating, rating.day):
        yield Share(item, f"via.{rating.service_channel}.{rating.rating_channel}", 1)
        if rating.delay:
            yield Share(item, f"delay.{rating.delay}", 1)
        if rating.delay is Delay.SECONDS_10 and rating.device is None:
            yield Share(item, counters.SOON, 1)
        if rating.tags:
            yield Share(item, f"set.{'+'.join(rating.tags)}", 1)
    if (desk := desk_key(rating, rating.day)) and rating.hour is not None:
        yield Share(desk, f"hour.{rating.device or counters.NO_DEVICE}.{rating.hour:02}", 1)
        if rating.staff_ref:
            yield Share(desk, counters.of_staff(rating.staff_ref, f"hour.{rating.hour:02}"), 1)


def _is_first_of_a_service(rating: RatingFacts) -> bool:
    of_a_service = rating.kind in {RatingKind.VISIT, RatingKind.MATTER}
    return of_a_service and rating.round == 1 and rating.provenance is not Provenance.DEFAULT


def _everywhere(facts: ServiceFacts, channel: RatingChannel | None, day: date, amounts: Iterable[tuple[str, int]]) -> Iterator[Share]:
    """The same on every node: the flat ones, the item of the organisation, the window, and the member of staff within it."""
    named = list(amounts)
    item, desk = item_key(facts, day), desk_key(facts, day)
    for key in (*flat_keys(facts, channel, day), *filter(None, (item, desk))):
        yield from (Share(key, name, amount) for name, amount in named)
    if desk and facts.staff_ref:
        yield from (Share(desk, counters.of_staff(facts.staff_ref, name), amount) for name, amount in named)
