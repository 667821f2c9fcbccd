"""What one reader gets of the feed: the events that are its business and that it asked for, as it may know them.

The cursor moves past what is not shown. A reader of whom hardly anything is gets its few events with few requests, since some further
pages are looked at before it is answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from notify import feed
from notify.cursor import SHARDS, Cursor
from notify.delivery import text_of
from notify.feed import Page
from notify.wanting import may_know, name_of, narrowed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from notify.subscription import Scope

_READS = 5
# Of which a further read looks at so many, however few are still wanted.
_AT_LEAST = 200
# What a function can answer, with room for the names around it.
_BYTES = 4_000_000


def pull(cursor: Cursor, limit: int, scope: Scope | None = None, types: Collection[str] = ()) -> Page:
    """Up to `limit` events behind a cursor for a party, or for the operator (no scope); of these kinds, if some are named.

    A page may hold fewer, even none, while there is more.
    """
    found: list[dict[str, Any]] = []
    size, wanted = 0, limit
    for _ in range(_READS):
        page = feed.page(cursor, wanted)
        for cursor, event in _placed(cursor, page):  # noqa: B020 - the place is moved event by event
            if not _is_shown(event, scope, types):
                continue
            found.append(narrowed(event, scope.role) if scope else event)
            size += len(text_of(found[-1]).encode())
            if len(found) == limit or size > _BYTES:
                return Page(found, cursor, page.more or cursor != page.cursor)
        if not page.more:
            return Page(found, cursor, more=False)
        wanted = max(limit - len(found), _AT_LEAST)
    return Page(found, cursor, more=True)


def _placed(cursor: Cursor, page: Page) -> Iterator[tuple[Cursor, dict[str, Any]]]:
    """The events of a page, each with the place behind it."""
    events = iter(page.events)
    for shard in range(SHARDS):
        for position in range(cursor.positions[shard] + 1, page.cursor.positions[shard] + 1):
            cursor = cursor.at(shard, position)
            yield cursor, next(events)


def _is_shown(event: dict[str, Any], scope: Scope | None, types: Collection[str]) -> bool:
    return (not types or name_of(event) in types) and (scope is None or may_know(scope, event))
