"""That what stands behind a receipt was sealed, shown so that anybody can check it who kept nothing but the `sha256` of the day."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from cloud.settings import settings
from cloud.table import get
from contract.model import Model
from haochaping.auditing import line_of
from notify.sealed import days, files, tree
from notify.sealed.days import Day, Segment
from notify.sealed.records import canonical, home_day, is_sealed, record_of

if TYPE_CHECKING:
    from cloud.segments import Line
    from intake.sealing import Keys


class NoProof(Exception):
    """There is nothing to prove, or it cannot be proved; the text says why."""


class Inclusion(Model):
    """That a leaf is the one at `index` (from 0) of `size` under a root: the hashes beside its way up, lowest first, in hexadecimal."""

    index: int
    size: int
    path: tuple[str, ...]


class Proof(Model):
    """The record as sealed (`text`), its place in the segment, the segment's place in the day. An open day has none yet."""

    text: str
    segment: Segment
    in_segment: Inclusion
    day: Day | None = None
    in_day: Inclusion | None = None

    def holds(self) -> bool:
        """Whether the record leads to the root of the segment, this to the root of the day, and the day to its `sha256`."""
        lies = _leads(self.text.encode(), self.in_segment, self.segment.root)
        if self.day is None or self.in_day is None:
            return lies
        closed = hashlib.sha256(self.day.document()).hexdigest() == self.day.sha256
        return lies and closed and _leads(bytes.fromhex(self.segment.root), self.in_day, self.day.root)


def prove(receipt: str, keys: Keys) -> Proof:
    """The proof of what stands behind a receipt. Raises NotOurs if that is no receipt of this stack, and NoProof."""
    key = keys.open_receipt(receipt)
    item = get(settings().ledger_table, key._asdict())
    if item is None:
        raise NoProof("该回执名下没有已受理的条目 nothing was accepted under this receipt")
    try:
        line = line_of(item, keys)
    except (ValueError, KeyError):
        raise NoProof("台账中的条目已被改动 the entry was altered in the Ledger") from None
    if not is_sealed(line):
        raise NoProof("这类条目不封存 entries of this kind are not sealed")
    return _proof(line)


def _proof(line: Line) -> Proof:
    text = canonical(record_of(line))
    numbers = days.marks(home_day(line)).numbers
    for segment in days.numbered(numbers):
        lines = list(files.legible_lines_of(segment))
        if text in lines:
            proof = Proof(text=text.decode(), segment=segment, in_segment=_inclusion(lines, lines.index(text)))
            return proof.model_copy(update=_closed(segment))
    raise NoProof("条目尚未封存，或与封存的不同 the entry is not sealed yet, or is not what was sealed")


def _closed(segment: Segment) -> dict[str, Any]:
    day = days.day(segment.ledger_day)
    if day is None:
        return {}
    found = days.segments_of(segment.ledger_day)
    roots = [bytes.fromhex(one.root) for one in found]
    return {"day": day, "in_day": _inclusion(roots, found.index(segment))}


def _inclusion(leaves: list[bytes], index: int) -> Inclusion:
    path = tree.inclusion_path(leaves, index)
    return Inclusion(index=index, size=len(leaves), path=tuple(step.hex() for step in path))


def _leads(leaf: bytes, by: Inclusion, root: str) -> bool:
    return tree.verify_inclusion(leaf, by.index, by.size, [bytes.fromhex(step) for step in by.path], bytes.fromhex(root))
