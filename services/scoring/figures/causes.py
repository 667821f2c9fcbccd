"""Root causes: which reasons are given for which item, month by month, and what the facts say of them (domain handbook, 9). Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from contract.codes import Level, TagCheck
from contract.tags import dictionary
from scoring import counters
from scoring.figures.indicators import ROWS, levels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scoring.figures.indicators import Counts

_UNCHECKED = ""


class Cause(NamedTuple):
    """How often a reason was given for an item in a month: in `number` of the `ratings` that somebody gave it.

    The recorded facts confirm some, do not confirm others, and do not speak to the rest (`not_checkable`). The national dictionary has no
    English names: `en` says the level that the reason belongs to, and its code.
    """

    tag: str
    zh: str
    en: str
    item: str
    organisation: str
    month: str
    number: int
    confirmed: int
    not_confirmed: int
    not_checkable: int
    ratings: int

    def plain(self) -> dict[str, Any]:
        """The row as JSON."""
        return self._asdict()


class Change(NamedTuple):
    """A cause beside the month before, as the effect of a fix is seen. A cause that is gone, or new, has 0 on its other side."""

    cause: Cause
    number_before: int
    ratings_before: int

    @property
    def change(self) -> float | None:
        """By how much the share of ratings that give the reason has moved, None if one of the months has no ratings."""
        if not self.cause.ratings or not self.ratings_before:
            return None
        return self.cause.number / self.cause.ratings - self.number_before / self.ratings_before

    def plain(self) -> dict[str, Any]:
        """The row as JSON."""
        return self.cause.plain() | {"number_before": self.number_before, "ratings_before": self.ratings_before, "change": self.change}


def causes(parts: Mapping[str, Counts], organisation: str, month: str, *, only_bad: bool = True) -> list[Cause]:
    """The causes at an organisation (USCC) in a month (`2026-11`), the most frequent first; `parts` are its counters by task code.

    Reasons of bad ratings, or of all. The rows of several organisations may be put together with `by_number`.
    """
    return by_number(cause for item, counts in parts.items() for cause in _of_item(item, counts, organisation, month, only_bad=only_bad))


def by_number(found: Iterable[Cause]) -> list[Cause]:
    """Causes in order: the most frequent first."""
    return sorted(found, key=lambda cause: (-cause.number, cause.organisation, cause.item, cause.tag))


def compared(now: Mapping[str, Counts], before: Mapping[str, Counts], organisation: str, month: str) -> list[Change]:
    """The causes of bad ratings in a month beside those of the month before, also those that are gone; counters by task code."""
    current, earlier = causes(now, organisation, month), causes(before, organisation, month)
    numbers = {(cause.item, cause.tag): cause.number for cause in earlier}
    named = {(cause.item, cause.tag) for cause in current}
    gone = [_none_of(cause, now.get(cause.item, {})) for cause in earlier if (cause.item, cause.tag) not in named]
    return [Change(cause, numbers.get((cause.item, cause.tag), 0), _given(before.get(cause.item, {}))) for cause in (*current, *gone)]


def _of_item(item: str, counts: Counts, organisation: str, month: str, *, only_bad: bool) -> Iterator[Cause]:
    ratings = _given(counts)
    for code, checks in _by_tag(counts).items():
        zh, level = _named(code)
        if checks.total() <= 0 or (only_bad and not level.is_bad):
            continue
        yield Cause(
            tag=code,
            zh=zh,
            en=f"{level.en}, reason {code}",
            item=item,
            organisation=organisation,
            month=month,
            number=checks.total(),
            confirmed=checks[TagCheck.CONFIRMED],
            not_confirmed=checks[TagCheck.NOT_CONFIRMED],
            not_checkable=checks[_UNCHECKED],
            ratings=ratings,
        )


def _by_tag(counts: Counts) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for name, amount in counters.under(counts, "tag.").items():
        code, _, check = name.partition(".")
        found.setdefault(code, Counter())[check] += amount
    return found


def _named(code: str) -> tuple[str, Level]:
    tag = dictionary().get(code)
    return tag.zh if tag else code, next(level for level in Level if str(level.rank) == code[0])


def _given(counts: Counts) -> int:
    """First ratings of services that somebody gave: those that may carry reasons."""
    return sum(sum(levels(counts, row).values()) for row in ROWS if row != "default")


def _none_of(cause: Cause, counts: Counts) -> Cause:
    return cause._replace(number=0, confirmed=0, not_confirmed=0, not_checkable=0, ratings=_given(counts))
