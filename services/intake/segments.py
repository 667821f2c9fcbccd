"""Raw segments: every Ledger record also lands in S3, without case-file number, person or text (design, 6.11).

Object `raw/<day>/<table>/<shard>/<first sequence>.ndjson.gz`, one line per record: lane, sequence, entry kind (`E`, `R`) and facts.
A batch that is handed over again may be cut differently; a reader drops copies by lane and sequence.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from cloud.clients import s3
from cloud.settings import settings
from contract.ledger import ServiceFacts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cloud.stream import StreamRecord
    from contract.ledger import RatingFacts


class Line(NamedTuple):
    """One record of a segment."""

    day: str
    lane: str
    sequence: int
    entry: str
    facts: dict[str, Any]

    def text(self) -> str:
        """The line as written."""
        return json.dumps(self._asdict() | {"sequence": f"{self.sequence:040}"}, ensure_ascii=False)


def line(lane: str, record: StreamRecord, rating: RatingFacts | None) -> Line:
    """The line of a Ledger record, a rating or else a service event. Raises ValidationError or KeyError if it is not an entry."""
    if rating:
        facts = rating.plain()
    else:
        facts = ServiceFacts.model_validate(record.new).plain() | {name: record.new[name] for name in ("event_ref", "status", "day")}
    return Line(record.new["day"], lane, record.sequence, record.sk.split("#", 1)[0], facts)


def write(lines: Iterable[Line]) -> None:
    """One object per day among the lines."""
    days: dict[str, list[Line]] = defaultdict(list)
    for entry in lines:
        days[entry.day].append(entry)
    for day, of_day in days.items():
        key = f"raw/{day}/{of_day[0].lane}/{of_day[0].sequence:040}.ndjson.gz"
        body = gzip.compress("".join(entry.text() + "\n" for entry in of_day).encode(), mtime=0)
        s3().put_object(Bucket=settings().segments_bucket, Key=key, Body=body)
