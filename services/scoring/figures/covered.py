"""三个全覆盖: which items, objects and channels nobody has rated, and what was rated without being listed. Pure.

国办发〔2019〕51号, 一(二) asks that every item, every institution and platform, and every channel can be rated. The rates are ours: a thing
is covered if somebody rated it in the period, whatever became of the rating; a default covers nothing.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple

from contract.catalogue import Listed
from contract.codes import Flag, Provenance
from contract.identifiers import task_code
from contract.model import Model
from scoring import counters

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from scoring.figures.indicators import Counts


class Kind(Listed):
    """What can be covered: the items, the objects (organisations, windows, platforms), the channels through which items can be rated."""

    ITEM = ("ITEM", "政务服务事项", "items")
    ORGANISATION = ("ORGANISATION", "实施机构", "organisations")
    WINDOW = ("WINDOW", "窗口", "windows")
    PLATFORM = ("PLATFORM", "平台", "platforms")
    CHANNEL = ("CHANNEL", "评价渠道", "rating channels")


class Dimension(Model):
    """How many of a kind are registered, and how many of them were rated.

    `missing` are the others, each with how many services were finished there in the period: where there were none, nothing could be rated.
    A channel is that of an organisation (`<credit code>#QR`), one that a guide of its items declares.
    """

    kind: Kind
    numerator: int
    denominator: int
    missing: dict[str, int]

    @property
    def rate(self) -> float | None:
        """覆盖率; None where nothing is registered."""
        return self.numerator / self.denominator if self.denominator else None

    def plain(self) -> dict[str, Any]:
        """The dimension as JSON, with its names and its rate."""
        return {**super().plain(), "zh": self.kind.zh, "en": self.kind.en, "rate": self.rate}


class Coverage(Model):
    """The coverage of a region or an organisation (`of`) over a period, as registered `on` a day.

    `without_channel` are the items whose guide declares no way to rate them, a defect. `unlisted_items` and `unlisted_organisations` are
    how often something was flagged that no register knows; `unknown_windows` are ratings by window.
    """

    of: str
    period: str
    on: dt.date
    dimensions: tuple[Dimension, ...]
    without_channel: tuple[str, ...]
    unlisted_items: int
    unlisted_organisations: int
    unknown_windows: dict[str, int]

    def dimension(self, kind: Kind) -> Dimension:
        """The dimension of a kind."""
        return next(dimension for dimension in self.dimensions if dimension.kind is kind)

    def plain(self) -> dict[str, Any]:
        """The coverage as JSON."""
        return {**super().plain(), "dimensions": [dimension.plain() for dimension in self.dimensions]}


class Registered(NamedTuple):
    """What the register holds of an organisation: guides by item code (31 or 33 characters), names of windows, codes of platforms."""

    guides: Mapping[str, Mapping[str, Any]]
    windows: Collection[str]
    platforms: Collection[str]


class Counted(NamedTuple):
    """What was counted of an organisation over the period: by task code, by window, by platform."""

    items: Mapping[str, Counts]
    desks: Mapping[str, Counts]
    platforms: Mapping[str, Counts]


class Covered(NamedTuple):
    """The coverage of one organisation, to be put together with that of others: of each kind, what is registered and was rated, or not."""

    rated: Mapping[Kind, int]
    missing: Mapping[Kind, Mapping[str, int]]
    without_channel: tuple[str, ...]
    unknown_windows: Mapping[str, int]
    unlisted: Mapping[Flag, int]


def given(counts: Counts) -> int:
    """How many ratings somebody gave, of whatever kind and round, also those that were excluded."""
    return sum(row.amount for row in counters.ratings(counts) if row.provenance is not Provenance.DEFAULT)


def is_window(desk: str, counts: Counts) -> bool:
    """Whether a desk is a window, and not a member of staff who sits at none."""
    return not any(name.startswith(counters.of_staff(desk, "")) for name in counts)


def covered(uscc: str, registered: Registered, counted: Counted) -> Covered:
    """The coverage of one organisation (USCC)."""
    windows = {name: held for name, held in counted.desks.items() if is_window(name, held)}
    things: dict[Kind, dict[str, tuple[int, int]]] = {
        Kind.ITEM: {code: _state(counted.items.get(code, {})) for code in {task_code(id) for id in registered.guides}},
        Kind.ORGANISATION: {uscc: _together(counted.items.values())},
        Kind.WINDOW: {f"{uscc}#{name}": _state(windows.get(name, {})) for name in registered.windows},
        Kind.PLATFORM: {code: _state(counted.platforms.get(code, {})) for code in registered.platforms},
        Kind.CHANNEL: {f"{uscc}#{channel}": _by(channel, counted.items.values()) for channel in _channels(registered.guides)},
    }
    return Covered(
        rated={kind: sum(ratings > 0 for ratings, _ in held.values()) for kind, held in things.items()},
        missing={kind: {id: services for id, (ratings, services) in held.items() if ratings <= 0} for kind, held in things.items()},
        without_channel=tuple(id for id, guide in registered.guides.items() if not guide.get("rating_channels")),
        unknown_windows={f"{uscc}#{name}": given(held) for name, held in windows.items() if name not in registered.windows and given(held)},
        unlisted={flag: sum(held.get(f"flag.{flag}", 0) for held in counted.items.values()) for flag in _UNLISTED},
    )


def coverage(of: str, period: str, on: dt.date, found: Iterable[Covered], unlisted: Counts | None = None) -> Coverage:
    """The coverage of organisations put together.

    `unlisted` are the counters of the region in which they lie: what was rated there of organisations that no register knows is found
    only in them.
    """
    parts = list(found)
    flags = {
        flag: unlisted.get(f"flag.{flag}", 0) if unlisted is not None else sum(one.unlisted[flag] for one in parts) for flag in _UNLISTED
    }
    return Coverage(
        of=of,
        period=period,
        on=on,
        dimensions=tuple(_dimension(kind, parts) for kind in Kind),
        without_channel=tuple(sorted(id for one in parts for id in one.without_channel)),
        unlisted_items=flags[Flag.UNLISTED_ITEM],
        unlisted_organisations=flags[Flag.UNLISTED_ORGANISATION],
        unknown_windows=dict(sorted((id, ratings) for one in parts for id, ratings in one.unknown_windows.items())),
    )


_UNLISTED = (Flag.UNLISTED_ITEM, Flag.UNLISTED_ORGANISATION)


def _dimension(kind: Kind, parts: list[Covered]) -> Dimension:
    rated = sum(one.rated[kind] for one in parts)
    missing = dict(sorted((id, services) for one in parts for id, services in one.missing[kind].items()))
    return Dimension(kind=kind, numerator=rated, denominator=rated + len(missing), missing=missing)


def _state(counts: Counts) -> tuple[int, int]:
    """Ratings that somebody gave, and finished services."""
    return given(counts), counts.get(counters.FINISHED, 0)


def _together(parts: Iterable[Counts]) -> tuple[int, int]:
    states = [_state(part) for part in parts]
    return sum(ratings for ratings, _ in states), sum(services for _, services in states)


def _channels(guides: Mapping[str, Mapping[str, Any]]) -> set[str]:
    return {channel for guide in guides.values() for channel in guide.get("rating_channels", ())}


def _by(channel: str, parts: Iterable[Counts]) -> tuple[int, int]:
    """First ratings of services that came through the channel, and finished services."""
    held = list(parts)
    through = [amount for part in held for name, amount in counters.under(part, "via.").items() if name.rpartition(".")[2] == channel]
    return sum(through), _together(held)[1]
