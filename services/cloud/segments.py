"""Raw segments: every Ledger record and every step of a case also lands in S3, without case-file number, person or text (design, 6.11).

Object `raw/<day>/<table>/<shard>/<first sequence>-<last>.ndjson.gz`, one line per record. A line lies with every day whose counts its entry
moves, so that a day can be counted again from its own objects. A batch that is handed over again may be cut differently; a reader drops
copies by their key, which an entry has alone.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from cloud.clients import s3
from cloud.settings import settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Line(NamedTuple):
    """One record of a segment: the entry's own day, every day with which it lies, lane, sequence number, second of its creation, kind.

    `key` names the entry and leads nowhere; `facts` are what may leave its service.
    """

    day: str
    days: tuple[str, ...]
    lane: str
    sequence: int
    created: int
    entry: str
    key: str
    facts: dict[str, Any]

    def text(self) -> str:
        """The line as written."""
        return json.dumps(self._asdict() | {"sequence": f"{self.sequence:040}"}, ensure_ascii=False)

    @classmethod
    def of(cls, text: str) -> Self:
        """The line as read."""
        held = json.loads(text)
        return cls(**held | {"sequence": int(held["sequence"]), "days": tuple(held["days"])})


class Stored(NamedTuple):
    """An object of raw segments: its key, its lane, and the first and last sequence number of its lines."""

    key: str
    lane: str
    first: int
    last: int


def write(lines: Iterable[Line]) -> None:
    """One object per day with which the lines of a lane lie."""
    days: dict[str, list[Line]] = defaultdict(list)
    for entry in lines:
        for day in entry.days:
            days[day].append(entry)
    for day, of_day in days.items():
        # First and last: a function that comes back from the dead with a part of a batch must not write over the whole.
        key = f"raw/{day}/{of_day[0].lane}/{of_day[0].sequence:040}-{of_day[-1].sequence:040}.ndjson.gz"
        body = gzip.compress("".join(entry.text() + "\n" for entry in of_day).encode(), mtime=0)
        s3().put_object(Bucket=settings().segments_bucket, Key=key, Body=body)


def of_day(day: str) -> Iterator[Line]:
    """The lines that lie with a day (Asia/Shanghai), each entry once, in no order."""
    seen: set[str] = set()
    pages = s3().get_paginator("list_objects_v2").paginate(Bucket=settings().segments_bucket, Prefix=f"raw/{day}/")
    with ThreadPoolExecutor(settings().flush_threads) as pool:
        for page in pages:
            for lines in pool.map(_lines, [found["Key"] for found in page.get("Contents", [])]):
                for line in lines:
                    if line.key not in seen:
                        seen.add(line.key)
                        yield line


def entries_of(day: str) -> Iterator[Line]:
    """Of these the Ledger entries that belong to the day itself."""
    return (line for line in of_day(day) if line.day == day and line.lane.startswith(f"{settings().ledger_table}/"))


def days(since: str) -> Iterator[str]:
    """The days from this one on with which anything lies, ascending."""
    pages = s3().get_paginator("list_objects_v2").paginate(Bucket=settings().segments_bucket, Prefix="raw/", Delimiter="/")
    found = (prefix["Prefix"].split("/")[1] for page in pages for prefix in page.get("CommonPrefixes", []))
    return (day for day in found if day >= since)


def stored(day: str, table: str) -> Iterator[Stored]:
    """The objects of a table that lie with a day, by lane, then by their first sequence number; nothing of them is read."""
    pages = s3().get_paginator("list_objects_v2").paginate(Bucket=settings().segments_bucket, Prefix=f"raw/{day}/{table}/")
    for found in (found for page in pages for found in page.get("Contents", [])):
        lane, _, name = found["Key"].removeprefix(f"raw/{day}/").rpartition("/")
        first, _, last = name.removesuffix(".ndjson.gz").partition("-")
        yield Stored(found["Key"], lane, int(first), int(last))


def read(objects: Iterable[Stored]) -> Iterator[Line]:
    """Their lines in this order, copies too; a few objects are fetched at a time, and no more are held."""
    left = iter(objects)
    with ThreadPoolExecutor(settings().flush_threads) as pool:
        while keys := [each.key for each in islice(left, settings().flush_threads)]:
            for lines in pool.map(_lines, keys):
                yield from lines


def _lines(key: str) -> list[Line]:
    body = s3().get_object(Bucket=settings().segments_bucket, Key=key)["Body"].read()
    # Not splitlines: a text may hold a character that it takes for the end of a line, and JSON does not escape.
    return [Line.of(text) for text in gzip.decompress(body).decode().split("\n") if text]
