"""A file into Registry: rows are compared and written by the hundred, on several threads; a row that is rejected holds up no other."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from cloud import registry
from cloud.clients import dynamodb
from cloud.settings import settings
from cloud.table import get_many, marshal
from haochaping.registries.findings import Finding, finding
from haochaping.registries.references import REFER_TO_THEMSELVES, Known
from haochaping.registries.rows import Row, headed, rows
from haochaping.registries.sheets import UnreadableFile, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from haochaping.registries.columns import Kind

_COMPARED_AT_ONCE = 100
_WRITTEN_AT_ONCE = 25
_LONGEST_PAUSE = 2.0

T = TypeVar("T")


class Loaded(NamedTuple):
    """What came of rows: how many there were, how many were new or known already, and every reason against the others."""

    rows: int = 0
    new: int = 0
    known: int = 0
    findings: tuple[Finding, ...] = ()

    @property
    def rejected(self) -> int:
        """How many rows were rejected."""
        return self.rows - self.new - self.known


def load(kind: Kind, path: Path, valid_from: date | None, *, write: bool, say: Callable[[int, int], None]) -> Loaded:
    """Registers every row of the file that can be; without `write` only says what would come of it.

    `say` hears how many rows are done, and how many there are. Running functions see the records within a minute. A file that cannot be
    read, or has other columns, is a finding too.
    """
    parts = []
    try:
        with opened(path) as sheet:
            for part in _load(kind, sheet.rows, valid_from, write=write):
                parts.append(part)
                say(sum(one.rows for one in parts), sheet.total - 1)
    except UnreadableFile:
        parts.append(Loaded(findings=(finding(0, "", "unreadable_file"),)))
    return _together(parts)


def _together(parts: Sequence[Loaded]) -> Loaded:
    findings = sorted((found for part in parts for found in part.findings), key=lambda found: found.row)
    return Loaded(
        sum(part.rows for part in parts), sum(part.new for part in parts), sum(part.known for part in parts), findings=tuple(findings)
    )


def _load(kind: Kind, numbered: Iterator[tuple[int, list[str]]], valid_from: date | None, *, write: bool) -> Iterator[Loaded]:
    number, texts = next(numbered, (1, list[str]()))
    columns, findings = headed(kind, number, texts, dated=valid_from is not None)
    if findings:
        yield Loaded(findings=tuple(findings))
        return
    known, read = Known(), rows(kind, columns, numbered, valid_from)
    with ThreadPoolExecutor(settings().flush_threads) as pool:
        if kind.name in REFER_TO_THEMSELVES:
            good, rejected = _judge(list(read), known)
            yield rejected
            yield from _in_order(pool, partial(_store, write=write), _groups(good))
        else:
            yield from _in_order(pool, partial(_judge_and_store, known=known, write=write), _groups(read))


def _groups(rows: Iterable[T]) -> Iterator[list[T]]:
    left = iter(rows)
    while group := list(islice(left, _COMPARED_AT_ONCE)):
        yield group


def _in_order(pool: ThreadPoolExecutor, work: Callable[[list[T]], Loaded], groups: Iterable[list[T]]) -> Iterator[Loaded]:
    """What came of each group. No more of the file is read ahead than keeps the threads busy."""
    running = deque[Future[Loaded]]()
    for group in groups:
        running.append(pool.submit(work, group))
        if len(running) > 2 * settings().flush_threads:
            yield running.popleft().result()
    while running:
        yield running.popleft().result()


def _judge_and_store(read: list[Row | list[Finding]], known: Known, *, write: bool) -> Loaded:
    good, rejected = _judge(read, known)
    return _together([rejected, _store(good, write=write)])


def _judge(read: Sequence[Row | list[Finding]], known: Known) -> tuple[list[Row], Loaded]:
    """The rows that can be stored, and the rest with the reasons."""
    good, findings = known.judge([row for row in read if isinstance(row, Row)])
    findings += [found for row in read if not isinstance(row, Row) for found in row]
    return good, Loaded(len(read) - len(good), findings=tuple(findings))


def _store(rows: list[Row], *, write: bool) -> Loaded:
    """Writes what is not there, leaves what is, and finds what is there with other content."""
    table = settings().registry_table
    items = [registry.item_of(row.record) for row in rows]
    held = {(item["pk"], item["sk"]): item["value"] for item in get_many(table, [{"pk": item["pk"], "sk": item["sk"]} for item in items])}
    there = [held.get((item["pk"], item["sk"])) for item in items]
    if write:
        new = [(row, item) for row, item, value in zip(rows, items, there, strict=True) if value is None]
        listings = {(held["pk"], held["sk"]): held for row, _ in new for held in registry.listings_of(row.record)}
        _put(table, [*listings.values(), *(item for _, item in new)])
    other = [row for row, item, value in zip(rows, items, there, strict=True) if value not in (None, item["value"])]
    findings = tuple(finding(row.number, "valid_from", "registered_otherwise") for row in other)
    return Loaded(len(rows), there.count(None), len(rows) - there.count(None) - len(other), findings)


def _put(table: str, items: Sequence[dict[str, str]]) -> None:
    left: list[Any] = [{"PutRequest": {"Item": marshal(item)}} for item in items]
    pause = 0.05
    while left:
        answer = dynamodb().batch_write_item(RequestItems={table: left[:_WRITTEN_AT_ONCE]})
        missed = answer["UnprocessedItems"].get(table, [])
        left = left[_WRITTEN_AT_ONCE:] + missed
        if missed:
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
