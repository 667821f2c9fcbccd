"""Whether the sealed Ledger is what it says: the chain of its days, each day from its segments, each segment from its file.

What somebody rewrote from end to end agrees with itself; it contradicts the `sha256` of a day that was kept elsewhere (`expected`).
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from cloud.clients import s3
from notify.sealed import files, tree
from notify.sealed.days import NOTHING
from notify.sealed.records import RATINGS, canonical
from notify.sealed.sealing import root_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from notify.sealed.days import Day, Head, Segment


class Fault(Enum):
    """What can be wrong."""

    DAY_MISSING = "缺少这一日 the day is missing"
    DAY_ALTERED = "该日与自身的 SHA-256 不符 the day does not have its own SHA-256"
    CHAIN_BROKEN = "与前一日的 SHA-256 不相接 the SHA-256 of the day before is another one"
    DAY_UNEXPECTED = "与您留存的 SHA-256 不符 the SHA-256 is not the one that was kept"
    DOCUMENT_ALTERED = "该日的文件缺失或不符 the document of the day is missing or says something else"
    DAY_DIFFERS = "该日的根或数量与其分段不符 root or numbers of the day are not those of its segments"
    SEGMENT_MISSING = "缺少这一分段 the segment is missing"
    SEGMENT_MISPLACED = "该分段不属于任何未结或已结之日 the segment lies with no day"
    FILE_MISSING = "文件缺失 the file is missing"
    FILE_ALTERED = "文件被改动：大小或 SHA-256 不符 the file was altered: its size or SHA-256 is another one"
    SEGMENT_DIFFERS = "登记的数量或根与文件不符 number of lines or root are not those of the file"
    SEALED_TWICE = "同一条目封存了两次 the entry is sealed twice"
    ENTRY_ALTERED = "条目在台账与分段中不同 Ledger and segment say different things of the entry"
    NOT_SEALED = "条目在台账中，却未封存 the entry is in the Ledger and in no segment"
    NOT_IN_LEDGER = "条目已封存，却不在台账中 the entry is in a segment and not in the Ledger"


class Finding(NamedTuple):
    """A fault, and of what: a day, the number of a segment, or an entry by the name that leads to no case file."""

    fault: Fault
    of: str

    def plain(self) -> dict[str, str]:
        """As JSON."""
        return {"fault": self.fault.name.lower(), "of": self.of, "said": self.fault.value}


def check_chain(chain: Sequence[Day], head: Head, expected: Mapping[date, str]) -> Iterator[Finding]:
    """Whether each day is what its hash says and follows the one before, up to the head; and whether it is the one that was expected."""
    previous, due = NOTHING, chain[0].ledger_day if chain else None
    for day in chain:
        if due and day.ledger_day != due:
            yield Finding(Fault.DAY_MISSING, str(due))
        if hashlib.sha256(day.document()).hexdigest() != day.sha256:
            yield Finding(Fault.DAY_ALTERED, str(day.ledger_day))
        if day.previous != previous:
            yield Finding(Fault.CHAIN_BROKEN, str(day.ledger_day))
        previous, due = day.sha256, day.ledger_day + timedelta(days=1)
    if due and head.open_day != due:
        yield Finding(Fault.DAY_MISSING, str(due))
    elif head.previous != previous:
        yield Finding(Fault.CHAIN_BROKEN, f"{head.open_day}")
    held = {day.ledger_day: day.sha256 for day in chain}
    for of_day, sha256 in expected.items():
        if of_day not in held:
            yield Finding(Fault.DAY_MISSING, str(of_day))
        elif held[of_day] != sha256:
            yield Finding(Fault.DAY_UNEXPECTED, str(of_day))


def check_documents(chain: Iterable[Day], head: Head) -> Iterator[Finding]:
    """Whether the document of each day that was told of says what its row says."""
    for day in chain:
        if head.told_day and day.ledger_day <= head.told_day and files.read_day(day.ledger_day) != canonical(day.plain()):
            yield Finding(Fault.DOCUMENT_ALTERED, str(day.ledger_day))


def check_days(chain: Iterable[Day], segments: Sequence[Segment], head: Head) -> Iterator[Finding]:
    """Whether no segment is missing, and each day has the numbers and the root of those that lie with it."""
    numbers = {segment.number for segment in segments}
    yield from (Finding(Fault.SEGMENT_MISSING, str(number)) for number in range(1, head.number + 1) if number not in numbers)
    lying: dict[date, list[Segment]] = defaultdict(list)
    for segment in segments:
        lying[segment.ledger_day].append(segment)
    for day in chain:
        found = lying.pop(day.ledger_day, [])
        said = (day.first_number, day.segments, day.entries, day.ratings, day.root)
        first, entries, ratings = found[0].number if found else None, sum(one.entries for one in found), sum(one.ratings for one in found)
        if said != (first, len(found), entries, ratings, root_of(found)):
            yield Finding(Fault.DAY_DIFFERS, str(day.ledger_day))
    for of_day, found in lying.items():
        if head.open_day and of_day < head.open_day:
            yield from (Finding(Fault.SEGMENT_MISPLACED, str(segment.number)) for segment in found)


def check_file(segment: Segment, visit: Callable[[bytes, bytes], None] = lambda text, hash: None) -> Iterator[Finding]:
    """Whether the file is the one that was sealed. Hands over each line with its hash, as far as the file can be read."""
    try:
        body = files.body_of(segment)
    except s3().exceptions.NoSuchKey:
        yield Finding(Fault.FILE_MISSING, str(segment.number))
        return
    is_same = (len(body), hashlib.sha256(body).hexdigest()) == (segment.bytes, segment.sha256)
    if not is_same:
        yield Finding(Fault.FILE_ALTERED, str(segment.number))
    found = _counted(body, visit)
    if is_same and found != (segment.entries, segment.ratings, segment.root):
        yield Finding(Fault.SEGMENT_DIFFERS, str(segment.number))


def _counted(body: bytes, visit: Callable[[bytes, bytes], None]) -> tuple[int, int, str] | None:
    """Lines, ratings among them, and root; None if it is no file of lines."""
    hashes: list[bytes] = []
    ratings = 0
    try:
        for text in files.lines_in(body):
            hashes.append(tree.leaf_hash(text))
            ratings += json.loads(text)["entry"] in RATINGS
            visit(text, hashes[-1])
    except (*files.BROKEN, ValueError, KeyError, TypeError):
        return None
    return len(hashes), ratings, tree.root_of_hashes(hashes).hex()
