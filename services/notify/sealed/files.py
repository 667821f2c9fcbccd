"""The files of the sealed Ledger, in the bucket of segments.

`sealed/<ledger day>/<counting day>-<SHA-256, first 16>.ndjson.gz`: named by their content, so that of two runs at once neither writes over
what the other one has. `sealed/days/<day>.json`: a closed day, as its row says it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from cloud.clients import s3
from cloud.settings import settings
from notify.sealed.records import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from notify.sealed.days import Day, Segment


BROKEN = (OSError, EOFError, zlib.error)
"""What is raised while a file is unpacked that is not what it was."""


class Written(NamedTuple):
    """A file that was put: its key, its size in bytes, its SHA-256."""

    key: str
    size: int
    sha256: str


def write(ledger_day: date, of_day: date, lines: Iterable[bytes]) -> Written:
    """Puts a file of lines, each one JSON without an end of line."""
    body = gzip.compress(b"".join(line + b"\n" for line in lines), mtime=0)
    sha256 = hashlib.sha256(body).hexdigest()
    key = f"sealed/{ledger_day}/{of_day}-{sha256[:16]}.ndjson.gz"
    s3().put_object(Bucket=settings().segments_bucket, Key=key, Body=body, ContentType="application/gzip")
    return Written(key, len(body), sha256)


def lines_of(segment: Segment) -> Iterator[bytes]:
    """The lines of a segment, each one JSON without its end of line. Raises NoSuchKey, or OSError if it is no gzip."""
    return lines_in(body_of(segment))


def legible_lines_of(segment: Segment) -> Iterator[bytes]:
    """The lines of a segment as far as its file is there and can be read: of one that somebody altered, what comes before."""
    with suppress(s3().exceptions.NoSuchKey, *BROKEN):
        yield from lines_of(segment)


def body_of(segment: Segment) -> bytes:
    """The file as it lies there. Raises NoSuchKey."""
    return s3().get_object(Bucket=settings().segments_bucket, Key=segment.key)["Body"].read()


def lines_in(body: bytes) -> Iterator[bytes]:
    """The lines of a file that was read."""
    with gzip.open(io.BytesIO(body)) as unpacked:
        for line in unpacked:
            yield line.removesuffix(b"\n")


def url_of(segment: Segment, seconds: int = 300) -> str:
    """An address from which anybody can take the file for so many seconds."""
    place = {"Bucket": settings().segments_bucket, "Key": segment.key}
    return s3().generate_presigned_url("get_object", Params=place, ExpiresIn=seconds)


def write_day(day: Day) -> None:
    """Puts the document of a closed day."""
    body = canonical(day.plain())
    s3().put_object(Bucket=settings().segments_bucket, Key=_day_key(day.ledger_day), Body=body, ContentType="application/json")


def read_day(day: date) -> bytes | None:
    """The document of a closed day as it lies there, None if there is none."""
    try:
        return s3().get_object(Bucket=settings().segments_bucket, Key=_day_key(day))["Body"].read()
    except s3().exceptions.NoSuchKey:
        return None


def _day_key(day: date) -> str:
    return f"sealed/days/{day}.json"
