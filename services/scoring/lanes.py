"""Lanes and checkpoints: what makes a count exact (design, 6.4).

A stream shard is an ordered lane. A score item remembers, per lane, the last record that it has counted; a record at or before that
has been counted and is skipped, whoever delivers it again.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

_SEQUENCE_BYTES = 17  # up to 40 digits
_TIME_BYTES = 4
_MARK = "q_"
# A stream keeps its records for 24 hours; what is older than twice that can come no more, from whatever zombie.
KEPT_SECONDS = 48 * 3600


class Checkpoint(NamedTuple):
    """The last record counted: its sequence number and the second in which it was created (since 1970)."""

    sequence: int
    created: int

    def packed(self) -> bytes:
        """21 bytes that sort like the sequence number; a DynamoDB number holds only 38 digits."""
        return self.sequence.to_bytes(_SEQUENCE_BYTES) + self.created.to_bytes(_TIME_BYTES)

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        """The reverse of `packed`."""
        return cls(int.from_bytes(packed[:_SEQUENCE_BYTES]), int.from_bytes(packed[_SEQUENCE_BYTES:]))


def attribute_of(lane: str) -> str:
    """The attribute of a score item that holds the lane's checkpoint: `q_` and the first 10 base32 characters of its SHA-256."""
    return _MARK + base64.b32encode(hashlib.sha256(lane.encode()).digest()).decode()[:10].lower()


def checkpoints(item: Mapping[str, Any]) -> dict[str, bytes]:
    """The checkpoints of an item by their attributes."""
    return {name: held for name, held in item.items() if name.startswith(_MARK)}


def outlived(item: Mapping[str, Any], now: float) -> dict[str, bytes]:
    """Those that may be dropped: by age alone, never because a child shard has appeared. `now` is in seconds since 1970, unmoved."""
    return {name: held for name, held in checkpoints(item).items() if Checkpoint.unpack(held).created < now - KEPT_SECONDS}
