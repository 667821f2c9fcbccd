"""A place in the feed: how far each of its shards was read. Pure.

As text `f1.12.9.0.44`: whoever pulls the feed keeps it and gives it back. It never skips what lands late, since a position is given only
behind all before it.
"""

from __future__ import annotations

import re
import zlib
from typing import Any, NamedTuple, Self

from contract.refusals import refuse

SHARDS = 4

_TEXT = re.compile(rf"f1(?:\.[0-9]{{1,15}}){{{SHARDS}}}")


class Cursor(NamedTuple):
    """The last position read of each shard, 0 for none."""

    positions: tuple[int, ...] = (0,) * SHARDS

    @classmethod
    def of(cls, text: str) -> Self:
        """The place that a text names; an empty one is the beginning. Raises Refused (`bad_cursor`)."""
        if not text:
            return cls()
        if not _TEXT.fullmatch(text):
            raise refuse("bad_cursor", "cursor", "a cursor as the feed answered it, or none for the beginning")
        return cls(tuple(map(int, text.split(".")[1:])))

    def at(self, shard: int, position: int) -> Cursor:
        """The place after this position of this shard."""
        return Cursor((*self.positions[:shard], position, *self.positions[shard + 1 :]))

    def __str__(self) -> str:
        return ".".join(("f1", *map(str, self.positions)))


def shard_of(event: dict[str, Any]) -> int:
    """In which shard a CloudEvent lies: all that is told of one rating, or of one service, lies in one, in the order of its arrival."""
    return zlib.crc32(subject_of(event).encode()) % SHARDS


def subject_of(event: dict[str, Any]) -> str:
    """What an event is about: a rating (and so its case), a service; or itself alone."""
    detail = event["data"]
    rating = detail.get("rating") or {}
    return str(rating.get("rating_id") or detail.get("rating_id") or detail.get("event_ref") or event["id"])
