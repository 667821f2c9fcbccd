"""The Ledger held against its seals: every entry is in one segment, with the same bytes, and nothing else is.

Of each sealed line 16 bytes of its hash are kept, some 100 bytes in memory; what is found is named in a second look at the files.
"""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from cloud.clients import dynamodb
from cloud.settings import settings
from cloud.stream import StreamRecord
from cloud.table import unmarshal
from contract.zone import SHANGHAI
from intake import telling
from intake.sealing import LedgerKey
from notify.sealed import days, files, gathering, tree
from notify.sealed.records import canonical, home_day, name_of, record_of
from notify.sealed.sealing import GRACE
from notify.sealed.verifying import Fault, Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cloud.segments import Line
    from cloud.table import Item
    from intake.sealing import Keys
    from notify.sealed.days import Head, Segment

_KEPT = 16
_KINDS = {"E", "R", "D", "X"}
# The hour of a rating's admission is told, not the minute.
_AN_HOUR = timedelta(hours=1)


class Unsealed(NamedTuple):
    """An entry of the Ledger that is in none of the segments as it is now."""

    name: str
    hash: bytes
    home: date
    written_by: datetime


class Comparison:
    """The lines of all segments first, as they are verified (`visit`), then every entry of the Ledger (`compare`)."""

    def __init__(self, head: Head) -> None:
        self.entries = self.young = 0
        self._head = head
        self._sealed: set[bytes] = set()
        self._twice: set[str] = set()

    def visit(self, text: bytes, hash: bytes) -> None:
        """Takes a sealed line."""
        if hash[:_KEPT] in self._sealed:
            self._twice.add(name_of(json.loads(text)))
        self._sealed.add(hash[:_KEPT])

    def compare(self, keys: Keys, segments: Iterable[Segment], advance: Callable[[int], None]) -> Iterator[Finding]:
        """Scans the Ledger, consistently; every difference, by the name of its entry. `advance` is told of every page how long it is."""
        unsealed = {one.name: one for one in self._unsealed(keys, advance)}
        gone = set(self._named(segments)) if self._sealed else set()
        later = self._sealed_later({one.home for name, one in unsealed.items() if name not in gone})
        yield from (Finding(Fault.SEALED_TWICE, name) for name in sorted(self._twice))
        yield from (Finding(Fault.ENTRY_ALTERED, name) for name in sorted(gone & unsealed.keys()))
        yield from (Finding(Fault.NOT_IN_LEDGER, name) for name in sorted(gone - unsealed.keys()))
        for name in sorted(unsealed.keys() - gone):
            if unsealed[name].hash in later or not self._must_be_sealed(unsealed[name]):
                self.young += 1
            else:
                yield Finding(Fault.NOT_SEALED, name)

    def _unsealed(self, keys: Keys, advance: Callable[[int], None]) -> Iterator[Unsealed]:
        for page in dynamodb().get_paginator("scan").paginate(TableName=settings().ledger_table, ConsistentRead=True):
            items = [unmarshal(item) for item in page["Items"] if item["sk"]["S"].partition("#")[0] in _KINDS]
            for item in items:
                self.entries += 1
                entry = _entry(item, keys)
                if entry.hash in self._sealed:
                    self._sealed.discard(entry.hash)  # what is left in the end, the Ledger lacks
                else:
                    yield entry
            advance(len(items))

    def _named(self, segments: Iterable[Segment]) -> Iterator[str]:
        """The names of the sealed lines that no entry of the Ledger has met."""
        for segment in segments:
            for text in files.legible_lines_of(segment):
                if tree.leaf_hash(text)[:_KEPT] in self._sealed:
                    yield name_of(json.loads(text))

    def _sealed_later(self, homes: set[date]) -> set[bytes]:
        """What of these days has been sealed since the audit began, or is in the raw segments and will be."""
        if not homes:
            return set()
        since = {tree.leaf_hash(text) for segment in days.segments_after(self._head.number) for text in files.legible_lines_of(segment)}
        coming = {leaf.hash for home in homes for part in gathering.parts(days.marks(home)) for leaf in part.leaves}
        return {hash[:_KEPT] for hash in since | coming}

    def _must_be_sealed(self, entry: Unsealed) -> bool:
        """Whether it was there long enough before the last sealing."""
        return self._head.sealed_at is not None and entry.written_by < self._head.sealed_at - GRACE


def line_of(item: Item, keys: Keys) -> Line:
    """The line that an entry should have. Raises ValueError or KeyError if it is no entry any more."""
    return telling.line(settings().ledger_table, StreamRecord("INSERT", item["pk"], item["sk"], 0, 0, item), keys)


def _entry(item: Item, keys: Keys) -> Unsealed:
    try:
        line = line_of(item, keys)
        record = record_of(line)
        return Unsealed(name_of(record), tree.leaf_hash(canonical(record))[:_KEPT], home_day(line), _written_by(item))
    except (ValueError, KeyError):
        return Unsealed(_own_name(item, keys), b"", date.min, datetime.min.replace(tzinfo=SHANGHAI))


def _own_name(item: Item, keys: Keys) -> str:
    """The name of an entry by its key, since nothing else of it can be trusted."""
    kind, *place = item["sk"].split("#")
    if kind == "E":
        return f"E {keys.event_ref(LedgerKey(item['pk'], f'E#{place[0]}'))} {item.get('status', '')}"
    rated = LedgerKey(item["pk"], "#".join(("R", *place[:-1])) if kind == "X" else item["sk"])
    return f"{kind} {keys.rating_id(rated)}" + (f" {place[-1]}" if kind == "X" else "")


def _written_by(item: dict[str, Any]) -> datetime:
    """When an entry was written at the latest."""
    if "received_at" in item:
        received = datetime.fromisoformat(item["received_at"])
        return max(received, datetime.fromisoformat(item["admitted_hour"]) + _AN_HOUR) if "admitted_hour" in item else received
    return datetime.combine(date.fromisoformat(item["decided_day"]) + timedelta(days=1), time(), SHANGHAI)
