"""What a record refers to, and whether it is registered on the record's date."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cloud import registry
from haochaping.registries.findings import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from cloud.registry import Record
    from haochaping.registries.rows import Row

# Kinds whose records refer to others of their kind: their files are judged as a whole.
REFER_TO_THEMSELVES = {"region", "organisation"}


class _Reference(NamedTuple):
    column: str
    kind: str
    id: str


def _references(record: Record) -> Iterator[_Reference]:
    value = record.value
    for successor in value.get("closed", {}).get("successors", ()):
        yield _Reference("successors", "region", successor)
    if "region_code" in value:
        yield _Reference("region_code", "region", value["region_code"])
    for column in ("organisation", "parent"):
        if column in value:
            yield _Reference(column, "organisation", value[column])
    if record.kind == "item":
        yield _Reference("item_code", "organisation", record.id[:18])


class Known:
    """What is registered, read once in a load, and what the file adds to it."""

    def __init__(self) -> None:
        self._read: dict[tuple[str, str], list[Record]] = {}

    def judge(self, rows: Sequence[Row]) -> tuple[list[Row], list[Finding]]:
        """The rows whose references are registered or among these very rows, and the reasons against the others."""
        good, findings = list(rows), list[Finding]()
        while wrong := list(self._unfounded(good)):
            # A row may have relied on one that is rejected only now.
            numbers = {found.row for found in wrong}
            good = [row for row in good if row.number not in numbers]
            findings += wrong
        return good, findings

    def _unfounded(self, rows: Sequence[Row]) -> Iterator[Finding]:
        beside: dict[tuple[str, str], list[Record]] = {}
        for row in rows:
            beside.setdefault((row.record.kind, row.record.id), []).append(row.record)
        for number, record in rows:
            for column, kind, id in _references(record):
                held = self._valid(self._registered(kind, id) + beside.get((kind, id), []), record.valid_from)
                if held is None or "closed" in held.value:
                    yield finding(number, column, f"unknown_{kind}")
            if "closed" in record.value and not self._began(record, beside[record.kind, record.id]):
                yield finding(number, "closed", "nothing_to_close")

    def _began(self, closing: Record, beside: Sequence[Record]) -> bool:
        held = self._registered(closing.kind, closing.id) + list(beside)
        return any(record.valid_from < closing.valid_from and "closed" not in record.value for record in held)

    def _registered(self, kind: str, id: str) -> list[Record]:
        if (kind, id) not in self._read:
            self._read[kind, id] = list(registry.stored(kind, id))
        return self._read[kind, id]

    @staticmethod
    def _valid(records: Iterable[Record], on: date) -> Record | None:
        return max((one for one in records if one.valid_from <= on), key=lambda one: one.valid_from, default=None)
