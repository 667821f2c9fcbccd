"""What the recorded facts say of the reasons that a rating gives (domain handbook, section 9). Pure; evidence, never a verdict.

Of a reason that no fact speaks to nothing is said.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from contract.codes import ProjectStatus, ServiceChannel, TagCheck

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from contract.catalogue import Item
    from intake.entries import EventEntry


def check(tags: Iterable[str], event: EventEntry, guide: Item | None) -> dict[str, TagCheck]:
    """Of each tag that facts speak to, what they say. `guide` is the item as registered on the day on which the case was accepted."""
    found = {tag: _CHECKS[tag](event, guide) for tag in tags if tag in _CHECKS}
    return {tag: TagCheck.CONFIRMED if held else TagCheck.NOT_CONFIRMED for tag, held in found.items() if held is not None}


def _beyond_promise(event: EventEntry, _: Item | None) -> bool | None:
    """未在承诺时间内办结: the promised limit, or the legal one, was exceeded by the working calendar."""
    return _overran(event, has_limit=bool(event.promised_limit or event.statutory_limit), limits=("promised", "statutory"))


def _beyond_law(event: EventEntry, _: Item | None) -> bool | None:
    """无理由超过法定办理时间: the legal limit was exceeded, and no reason was given."""
    late = _overran(event, has_limit=bool(event.statutory_limit), limits=("statutory",))
    return late and event.overrun_reason is None


def _overran(event: EventEntry, *, has_limit: bool, limits: tuple[str, ...]) -> bool | None:
    if event.status is not ProjectStatus.FINISHED or not has_limit:
        return None
    return event.overrun_limit in limits


def _materials_beyond_guide(event: EventEntry, guide: Item | None) -> bool | None:
    """指南之外的材料: something was asked for that the guide does not list."""
    if event.materials is None or guide is None:
        return None
    return not set(map(_plain, event.materials)) <= set(map(_plain, guide.materials))


def _no_list(_: EventEntry, guide: Item | None) -> bool | None:
    """没有提供材料清单: a registered guide lists its materials."""
    return None if guide is None else not guide.materials


def _more_visits(event: EventEntry, guide: Item | None) -> bool | None:
    """跑动次数不一致: the applicant had to come more often than the guide says."""
    if event.visits is None or guide is None or guide.visits is None:
        return None
    return event.visits > guide.visits


def _not_online(event: EventEntry, guide: Item | None) -> bool | None:
    """What the guide offers online was done in the hall."""
    if guide is None or ServiceChannel.ONLINE not in guide.channels or event.service_channel is None:
        return None
    return event.service_channel is ServiceChannel.OFFLINE


_CHECKS: dict[str, Callable[[EventEntry, Item | None], bool | None]] = {
    "209": _beyond_promise,
    "110": _beyond_law,
    "109": _materials_beyond_guide,
    "208": _no_list,
    "114": _more_visits,
    "211": _not_online,
    "112": _not_online,
}

CHECKABLE = frozenset(_CHECKS)


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split())
