"""Lanes and checkpoints: what makes a count exact (design, 6.4).

A stream shard is an ordered lane. A score item remembers, per lane, the last record that it has counted; a record at or before that
has been counted and is skipped, whoever delivers it again.
"""

from __future__ import annotations

import base64
import hashlib
from typing import NamedTuple, Self

_SEQUENCE_BYTES = 17  # up to 40 digits
_TIME_BYTES = 4


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
    return "q_" + base64.b32encode(hashlib.sha256(lane.encode()).digest()).decode()[:10].lower()
